import type { Clock } from '../../runtime/clock.ts';
import type { RandomBytes } from '../../runtime/random.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { TrustRecorder } from '../bundles/ports.ts';
import { createAnchor } from './anchor.ts';
import { type Chore, planChores } from './housekeeping-plan.ts';
import { signer } from './key-schedule.ts';
import type { KeyTimes } from './key-times.ts';
import type { Keyring } from './keyring.ts';

export interface HousekeepingParts {
  readonly trustDomain: TrustDomain;
  readonly times: KeyTimes;
  readonly keyring: Keyring;
  readonly recorder: TrustRecorder;
  /** See `Household`. */
  readonly acknowledged: (id: string) => number;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export interface Housekeeping {
  /** Does what is due. Records each step of a key's life; rejects when a record does. */
  beat(): Promise<void>;
}

/** Keeps the ring by its schedule. */
export function createHousekeeping(parts: HousekeepingParts): Housekeeping {
  let signerId: string | undefined;
  const noteSigner = async (): Promise<void> => {
    const current = signer(parts.keyring.keys(), 'x509', parts.clock.now());
    if (current !== undefined && current.entry.id !== signerId) {
      signerId = current.entry.id;
      await parts.recorder.keyStepped({ kind: 'activated', key: current.entry });
    }
  };
  return {
    async beat() {
      const { keyring, times, acknowledged, clock } = parts;
      for (const chore of planChores({ keys: keyring.keys(), now: clock.now(), times, acknowledged })) {
        await doChore(chore, parts);
      }
      await noteSigner();
    },
  };
}

async function doChore(chore: Chore, parts: HousekeepingParts): Promise<void> {
  const { keyring, recorder, trustDomain, times, random } = parts;
  if (chore.kind === 'make') {
    keyring.add(createAnchor({ birth: chore.birth, trustDomain, times, random }));
    return;
  }
  const entry = keyring.keys().find((key) => key.entry.id === chore.id)?.entry;
  switch (chore.kind) {
    case 'activate':
      keyring.markActivated(chore.id, parts.clock.now());
      break;
    case 'drop-private':
      keyring.dropPrivate(chore.id);
      break;
    case 'give-up':
    case 'prune':
      keyring.remove(chore.id);
      break;
  }
  const step = { 'drop-private': 'drained', prune: 'pruned' } as const;
  if (entry !== undefined && (chore.kind === 'drop-private' || chore.kind === 'prune')) {
    await recorder.keyStepped({ kind: step[chore.kind], key: entry });
  }
}
