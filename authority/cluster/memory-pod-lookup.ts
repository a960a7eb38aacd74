import type { AttestedPod, PodLookup } from '../attestation/ports.ts';
import { serialPrefixOf } from '../issuance/serial.ts';

export interface MemoryPodLookup extends PodLookup {
  put(pod: AttestedPod): void;
  remove(namespace: string, name: string): void;
  all(): readonly AttestedPod[];
  /** The next `fetch` sees these pods though the cache does not. */
  putUnseen(pod: AttestedPod): void;
}

/** Pods as the test says they are. */
export function memoryPodLookup(...pods: readonly AttestedPod[]): MemoryPodLookup {
  const cached = new Map<string, AttestedPod>();
  const unseen = new Map<string, AttestedPod>();
  const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;
  const put = (pod: AttestedPod): void => void cached.set(keyOf(pod.namespace, pod.name), pod);
  pods.forEach(put);
  return {
    put,
    putUnseen: (pod) => void unseen.set(keyOf(pod.namespace, pod.name), pod),
    remove(namespace, name) {
      cached.delete(keyOf(namespace, name));
      unseen.delete(keyOf(namespace, name));
    },
    all: () => [...cached.values()],
    find: (namespace, name) => cached.get(keyOf(namespace, name)),
    findBySerialPrefix: (prefix) => [...cached.values()].find(({ uid }) => serialPrefixOf(uid) === prefix),
    fetch: (namespace, name) =>
      Promise.resolve(unseen.get(keyOf(namespace, name)) ?? cached.get(keyOf(namespace, name))),
  };
}
