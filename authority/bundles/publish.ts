import type { Cancel, Clock } from '../../runtime/clock.ts';
import type { SpiffeBundle } from '../../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { KeyEntry } from '../keys/ring-key.ts';
import { bundleOf, freshSequenceBase, sequenceOf } from './bundle-of.ts';
import type { BundleChange, StoredBundle, TrustBundleStore, TrustRecorder } from './ports.ts';

export interface PublicationParts {
  readonly trustDomain: TrustDomain;
  readonly keyring: Keyring;
  readonly store: TrustBundleStore;
  readonly recorder: TrustRecorder;
  readonly clock: Clock;
  readonly refreshHintSeconds: number;
  /** An entry in the object that is none of ours: somebody tried to have it trusted. */
  readonly onForeignEntry: (id: string) => void;
}

/** The bundle as everybody sees it. */
export interface Publication {
  /** As read back from the object; undefined before the founding. */
  current(): SpiffeBundle | undefined;
  onChange(listener: (bundle: SpiffeBundle) => void): Cancel;
  /** The sequence with which a key was first published; undefined while it is not. */
  firstSequenceOf(id: string): bigint | undefined;
  /** Takes over what a founding read back. */
  begin(stored: StoredBundle): void;
  /** Makes the object say what the keyring says; what differs is put right. Rejects when the store does. */
  reconcile(): Promise<void>;
}

/**
 * Publication of a keyring: the object is written where it differs, read back, and only then do its keys count as published and is the bundle handed on.
 * Entries nobody here knows are never handed on, and removed.
 */
export function createPublication(parts: PublicationParts): Publication {
  const { keyring, store, clock } = parts;
  const listeners = new Set<(bundle: SpiffeBundle) => void>();
  const firstSequences = new Map<string, bigint>();
  let current: SpiffeBundle | undefined;
  let highest = 0n;

  const take = (stored: StoredBundle): void => {
    const known = knownEntries(stored, keyring);
    for (const { id } of known.filter(({ id: entry }) => !firstSequences.has(entry))) {
      firstSequences.set(id, sequenceOf(stored));
    }
    keyring.markPublished(new Set(known.map(({ id }) => id)));
    const bundle = bundleOf(parts.trustDomain, { ...stored, entries: known });
    const hasChanged = current?.sequence !== bundle.sequence;
    highest = sequenceOf(stored) > highest ? sequenceOf(stored) : highest;
    current = bundle;
    if (hasChanged) {
      listeners.forEach((listener) => listener(bundle));
    }
  };

  const write = async (stored: StoredBundle | undefined, wanted: readonly KeyEntry[]): Promise<void> => {
    const isBehind = stored === undefined || sequenceOf(stored) < highest;
    const sequenceBase = isBehind ? freshSequenceBase(clock.now()) : stored.sequenceBase;
    const spec = { entries: wanted, refreshHintSeconds: parts.refreshHintSeconds, sequenceBase };
    const written = await store.write(spec, stored?.resourceVersion);
    if (written === 'conflict') {
      return; // Whoever wrote is judged at the next beat.
    }
    await parts.recorder.bundleChanged(changeOf(stored, written, keyring));
    take(written);
  };

  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    firstSequenceOf: (id) => firstSequences.get(id),
    begin: take,
    async reconcile() {
      const stored = await store.read();
      const wanted = keyring.keys().map(({ entry }) => entry);
      stored?.entries
        .filter(({ id }) => !wanted.some((entry) => entry.id === id))
        .forEach(({ id }) => parts.onForeignEntry(id));
      const isRight = stored !== undefined && sameEntries(stored.entries, wanted) && sequenceOf(stored) >= highest;
      if (isRight) {
        take(stored);
      } else {
        await write(stored, wanted);
      }
    },
  };
}

function knownEntries(stored: StoredBundle, keyring: Keyring): readonly KeyEntry[] {
  return stored.entries.filter((entry) => keyring.keys().some((key) => sameEntry(key.entry, entry)));
}

function changeOf(before: StoredBundle | undefined, after: StoredBundle, keyring: Keyring): BundleChange {
  const idsBefore = new Set(before?.entries.map(({ id }) => id));
  const idsAfter = new Set(after.entries.map(({ id }) => id));
  const added = [...idsAfter].filter((id) => !idsBefore.has(id));
  const wasPublished = (id: string): boolean =>
    keyring.keys().some(({ entry, isPublished }) => entry.id === id && isPublished);
  return {
    sequence: sequenceOf(after),
    added,
    removed: [...idsBefore].filter((id) => !idsAfter.has(id)),
    source: added.some(wasPublished) ? 'restored' : 'schedule',
  };
}

function sameEntries(some: readonly KeyEntry[], others: readonly KeyEntry[]): boolean {
  return some.length === others.length && some.every((entry) => others.some((other) => sameEntry(entry, other)));
}

/** The whole public part: an entry whose times somebody changed is not the same. */
function sameEntry(one: KeyEntry, other: KeyEntry): boolean {
  return (
    one.id === other.id &&
    one.kind === other.kind &&
    one.fullLead === other.fullLead &&
    Buffer.compare(one.public, other.public) === 0 &&
    (['preparedAt', 'activeFrom', 'signUntil', 'notAfter'] as const).every(
      (time) => one[time].getTime() === other[time].getTime(),
    )
  );
}
