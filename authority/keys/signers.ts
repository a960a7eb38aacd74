import type { Clock } from '../../runtime/clock.ts';
import { type Certificate, parseCertificate } from '../../spiffe/certificate.ts';
import type { CurrentSigner, SignerSource } from '../issuance/signer.ts';
import { mayStillSign, signer } from './key-schedule.ts';
import type { Keyring } from './keyring.ts';
import { activationOf, type RingKey } from './ring-key.ts';

/** The signers of a ring, by its schedule and the clock. Anchors are parsed once per key. */
export function ringSigners(keyring: Keyring, clock: Clock): SignerSource {
  const anchors = new WeakMap<Uint8Array, Certificate>();
  const currentOf = (key: RingKey | undefined): CurrentSigner | undefined => {
    const anchor = key === undefined ? undefined : anchorOf(key, anchors);
    return key?.privateKey === undefined || anchor === undefined
      ? undefined
      : { id: key.entry.id, anchor, privateKey: key.privateKey };
  };
  const chosen = (): CurrentSigner | undefined => currentOf(signer(keyring.keys(), 'x509', clock.now()));
  return {
    signer() {
      const current = chosen();
      return current === undefined ? waiting(keyring.keys(), clock.now()) : { kind: 'signer', signer: current };
    },
    ownSigner: () => chosen() ?? currentOf(soonest(keyring.keys(), clock.now())),
  };
}

/** Published keys whose time has not come: one of them will sign. */
function waiting(keys: readonly RingKey[], now: Date): ReturnType<SignerSource['signer']> {
  const key = soonest(keys, now);
  return key === undefined
    ? { kind: 'none' }
    : { kind: 'hold-down', retryAfterSeconds: Math.max(0.1, (activationOf(key).getTime() - now.getTime()) / 1000) };
}

function soonest(keys: readonly RingKey[], now: Date): RingKey | undefined {
  return keys
    .filter((key) => key.entry.kind === 'x509' && key.isPublished && mayStillSign(key, now))
    .toSorted((a, b) => activationOf(a).getTime() - activationOf(b).getTime())[0];
}

function anchorOf({ entry }: RingKey, anchors: WeakMap<Uint8Array, Certificate>): Certificate | undefined {
  const known = anchors.get(entry.public);
  if (known !== undefined) {
    return known;
  }
  const parsed = parseCertificate(entry.public);
  if (!parsed.ok) {
    return undefined;
  }
  anchors.set(entry.public, parsed.value);
  return parsed.value;
}
