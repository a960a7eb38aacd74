import type { NamespaceFacts, NamespaceLookup } from '../attestation/ports.ts';

export interface MemoryNamespaceLookup extends NamespaceLookup {
  put(namespace: NamespaceFacts): void;
}

/** Namespaces as the test says they are. */
export function memoryNamespaceLookup(...namespaces: readonly NamespaceFacts[]): MemoryNamespaceLookup {
  const known = new Map(namespaces.map((namespace) => [namespace.name, namespace]));
  return {
    put: (namespace) => void known.set(namespace.name, namespace),
    get: (name) => known.get(name),
    optedIn: () => [...known.values()].filter(({ isOptedIn, isBeingDeleted }) => isOptedIn && !isBeingDeleted),
  };
}
