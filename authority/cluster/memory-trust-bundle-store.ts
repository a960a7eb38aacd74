import type { KeyStatus, StoredBundle, TrustBundleStore } from '../bundles/ports.ts';

export interface MemoryTrustBundleStore extends TrustBundleStore {
  stored(): StoredBundle | undefined;
  status(): readonly KeyStatus[];
  /** Somebody else writes: an edit, a restore, or, with undefined, a deletion. */
  overwrite(change: (stored: StoredBundle) => StoredBundle | undefined): void;
  setReachable(isReachable: boolean): void;
}

/** One object, with generation and resourceVersion as an API server counts them. */
export function memoryTrustBundleStore(): MemoryTrustBundleStore {
  let stored: StoredBundle | undefined;
  let keys: readonly KeyStatus[] = [];
  let version = 0;
  let isReachable = true;
  const next = (): string => {
    version += 1;
    return String(version);
  };
  const reach = <T>(value: () => T): Promise<T> =>
    isReachable ? Promise.resolve(value()) : Promise.reject(new Error('the API server does not answer'));
  return {
    stored: () => stored,
    status: () => keys,
    overwrite(change) {
      const changed = stored === undefined ? undefined : change(stored);
      stored =
        changed === undefined ? undefined : { ...changed, generation: changed.generation + 1, resourceVersion: next() };
    },
    setReachable(reachable) {
      isReachable = reachable;
    },
    read: () => reach(() => stored),
    write: (spec, resourceVersion) =>
      reach(() => {
        if (stored?.resourceVersion !== resourceVersion) {
          return 'conflict';
        }
        stored = {
          withdrawn: [],
          ...stored,
          ...spec,
          generation: (stored?.generation ?? 0) + 1,
          resourceVersion: next(),
        };
        return stored;
      }),
    writeStatus: (status) =>
      reach(() => {
        keys = status;
        const withdrawn = status.filter(({ state }) => state === 'withdrawn').map(({ id }) => id);
        stored = stored === undefined ? undefined : { ...stored, withdrawn, resourceVersion: next() };
      }),
  };
}
