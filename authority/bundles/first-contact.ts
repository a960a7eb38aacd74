import type { FirstContactStore } from './ports.ts';

/** Keeps the anchors of first contact in every opted-in namespace. */
export interface FirstContact {
  /** Writes where a namespace has not got `caPem` yet, as far as we know. Namespaces are independent: the ones that failed are given back. */
  spread(namespaces: readonly string[], caPem: string): Promise<readonly string[]>;
  /** Forgets what is known, so that the next `spread` writes everywhere: an edit is put right. */
  doubt(): void;
}

/** Remembers what it wrote where, so that a beat without a change asks nothing of the API server. */
export function createFirstContact(store: FirstContactStore): FirstContact {
  const written = new Map<string, string>();
  return {
    async spread(namespaces, caPem) {
      for (const gone of [...written.keys()].filter((name) => !namespaces.includes(name))) {
        written.delete(gone);
      }
      const due = namespaces.filter((name) => written.get(name) !== caPem);
      const outcomes = await Promise.allSettled(due.map((name) => store.put(name, caPem)));
      outcomes.forEach((outcome, index) => {
        const name = due[index];
        if (outcome.status === 'fulfilled' && name !== undefined) {
          written.set(name, caPem);
        }
      });
      return due.filter((_, index) => outcomes[index]?.status === 'rejected');
    },
    doubt: () => written.clear(),
  };
}
