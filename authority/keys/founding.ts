import type { Clock } from '../../runtime/clock.ts';
import type { RandomBytes } from '../../runtime/random.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import { freshSequenceBase, isUsableEntry, sequenceOf } from '../bundles/bundle-of.ts';
import type { StoredBundle, TrustBundleStore, TrustRecorder } from '../bundles/ports.ts';
import { prune } from '../bundles/prune.ts';
import { AuthorityProgramFailure } from '../failures.ts';
import { createAnchor, type SigningKey } from './anchor.ts';
import { birthOfFirst, birthOfNext } from './key-schedule.ts';
import type { KeyTimes } from './key-times.ts';
import type { Keyring } from './keyring.ts';

export interface FoundingParts {
  readonly trustDomain: TrustDomain;
  readonly times: KeyTimes;
  readonly refreshHintSeconds: number;
  readonly store: TrustBundleStore;
  readonly keyring: Keyring;
  readonly recorder: TrustRecorder;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** What a founding found: nothing before it, or the unexpired entries of a ring that is gone. */
export interface Founding {
  readonly stored: StoredBundle;
  readonly inherited: number;
  readonly withdrawn: readonly string[];
}

const attempts = 5;

/**
 * Founds a ring, for the one replica that holds the Lease. A paused holder may believe it holds it still: what excludes two founders is the swap of step 3.
 *
 *   1. Read the object. Unexpired entries are taken as they stand: they are public, and whoever holds an SVID under them must go on being believed.
 *   2. Make the current key and the next one. Where entries exist the current one waits for the hold-down, so that the news of it travels first.
 *   3. Write all, with the `resourceVersion` that step 1 judged by; somebody else's write starts it over.
 *   4. Read back. Only what stands there is published, and only what is published may sign.
 *
 * Rejects with `AuthorityProgramFailure`, or with what the store rejected with.
 */
export async function found(parts: FoundingParts): Promise<Founding> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const founding = await attemptFounding(parts);
    if (founding !== 'conflict') {
      return founding;
    }
  }
  throw new AuthorityProgramFailure('bundle-conflict', 'the TrustBundle kept changing while the keyring was founded', {
    isRetryable: true,
  });
}

async function attemptFounding(parts: FoundingParts): Promise<Founding | 'conflict'> {
  const now = parts.clock.now();
  const before = await parts.store.read();
  const { kept, withdrawn } = prune((before?.entries ?? []).filter(isUsableEntry), now, 2, before?.withdrawn);
  const made = makeFirstKeys(parts, now, kept.length > 0 ? 'hold-down' : 'none');
  const entries = [...kept, ...made.map(({ entry }) => entry)];
  const written = await parts.store.write(
    {
      entries,
      refreshHintSeconds: parts.refreshHintSeconds,
      sequenceBase: before?.sequenceBase ?? freshSequenceBase(now),
    },
    before?.resourceVersion,
  );
  if (written === 'conflict') {
    return 'conflict';
  }
  const stored = await readBack(parts.store, made);
  parts.keyring.adopt(kept);
  made.forEach((key) => parts.keyring.add(key));
  parts.keyring.markPublished(new Set(stored.entries.map(({ id }) => id)));
  await parts.recorder.bundleChanged({
    sequence: sequenceOf(stored),
    added: made.map(({ entry }) => entry.id),
    removed: (before?.entries ?? []).filter((entry) => !kept.includes(entry)).map(({ id }) => id),
    source: 'founding',
  });
  return { stored, inherited: kept.length, withdrawn: withdrawn.map(({ id }) => id) };
}

function makeFirstKeys(parts: FoundingParts, now: Date, lead: 'none' | 'hold-down'): readonly SigningKey[] {
  const { trustDomain, times, random } = parts;
  const first = createAnchor({ birth: birthOfFirst('x509', now, lead, times), trustDomain, times, random });
  const birth = birthOfNext('x509', now, first.entry, times);
  return [first, createAnchor({ birth, trustDomain, times, random })];
}

async function readBack(store: TrustBundleStore, made: readonly SigningKey[]): Promise<StoredBundle> {
  const stored = await store.read();
  const isThere = ({ entry }: SigningKey): boolean =>
    stored?.entries.some(({ id, public: bytes }) => id === entry.id && Buffer.compare(bytes, entry.public) === 0) ===
    true;
  if (stored === undefined || !made.every(isThere)) {
    throw new AuthorityProgramFailure(
      'founding-not-read-back',
      'the TrustBundle does not hold the keys that were written',
      {
        isRetryable: true,
      },
    );
  }
  return stored;
}
