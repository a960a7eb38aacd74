/** Who has loaded which bundle into its TLS contexts. */
export interface Propagation {
  /** Notes an acknowledgement; an older one changes nothing. */
  acknowledge(podUid: string, sequence: bigint): void;
  /** How many of these pods have loaded `sequence` or a later one: 0 to 1, and 1 when there are none. */
  shareOf(podUids: readonly string[], sequence: bigint): number;
  /** How many have not. */
  missing(podUids: readonly string[], sequence: bigint): number;
  /** Forgets pods that are gone. */
  keepOnly(podUids: ReadonlySet<string>): void;
}

/** Acknowledgements by pod, in memory. */
export function createPropagation(): Propagation {
  const loaded = new Map<string, bigint>();
  const has = (uid: string, sequence: bigint): boolean => (loaded.get(uid) ?? -1n) >= sequence;
  return {
    acknowledge(podUid, sequence) {
      if (!has(podUid, sequence)) {
        loaded.set(podUid, sequence);
      }
    },
    shareOf: (podUids, sequence) =>
      podUids.length === 0 ? 1 : podUids.filter((uid) => has(uid, sequence)).length / podUids.length,
    missing: (podUids, sequence) => podUids.filter((uid) => !has(uid, sequence)).length,
    keepOnly(podUids) {
      for (const uid of loaded.keys()) {
        if (!podUids.has(uid)) {
          loaded.delete(uid);
        }
      }
    },
  };
}
