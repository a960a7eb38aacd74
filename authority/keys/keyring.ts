import type { Cancel } from '../../runtime/clock.ts';
import type { SigningKey } from './anchor.ts';
import type { KeyEntry, RingKey } from './ring-key.ts';

/** All keys of the trust domain that this replica knows, in memory and nowhere else. Readers get immutable snapshots. */
export interface Keyring {
  keys(): readonly RingKey[];
  /** Adds a key of our own making; it signs nothing before it is published. */
  add(key: SigningKey): void;
  /** Adds public entries that stand in the object already. */
  adopt(entries: readonly KeyEntry[]): void;
  /** Says which ids stand in the object, as read back. */
  markPublished(ids: ReadonlySet<string>): void;
  /** Marks once; a later mark changes nothing. */
  markActivated(id: string, at: Date): void;
  /** Forgets the private part. */
  dropPrivate(id: string): void;
  remove(id: string): void;
  onChange(listener: () => void): Cancel;
}

/** An empty ring. */
export function createKeyring(): Keyring {
  let keys: readonly RingKey[] = [];
  const listeners = new Set<() => void>();
  const replace = (next: readonly RingKey[]): void => {
    keys = Object.freeze(next);
    for (const listener of listeners) {
      listener();
    }
  };
  const change = (id: string, members: (key: RingKey) => RingKey): void =>
    replace(keys.map((key) => (key.entry.id === id ? members(key) : key)));
  const isKnown = (id: string): boolean => keys.some(({ entry }) => entry.id === id);
  return {
    keys: () => keys,
    add: ({ entry, privateKey }) => replace([...keys, { entry, privateKey, isPublished: false }]),
    adopt(entries) {
      const fresh = entries.filter(({ id }) => !isKnown(id));
      replace([...keys, ...fresh.map((entry) => ({ entry, isPublished: true }))]);
    },
    markPublished(ids) {
      if (keys.some(({ entry, isPublished }) => ids.has(entry.id) !== isPublished)) {
        replace(keys.map((key) => ({ ...key, isPublished: ids.has(key.entry.id) })));
      }
    },
    markActivated: (id, at) => change(id, (key) => (key.activatedAt === undefined ? { ...key, activatedAt: at } : key)),
    dropPrivate: (id) =>
      change(id, ({ entry, isPublished, activatedAt }) => ({
        entry,
        isPublished,
        ...(activatedAt === undefined ? {} : { activatedAt }),
      })),
    remove: (id) => replace(keys.filter(({ entry }) => entry.id !== id)),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
