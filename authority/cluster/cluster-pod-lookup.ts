import { ClusterFailure } from '../../runtime/cluster/cluster-failure.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import type { WatchCache } from '../../runtime/cluster/watch-cache.ts';
import type { AttestedPod, PodLookup } from '../attestation/ports.ts';
import { serialPrefixOf } from '../issuance/serial.ts';
import { parsePod } from './pod.ts';

/** Pods by the watch of injected ones, and one GET where the watch is behind. Finished and deleted pods leave the cache with the watch. */
export function clusterPodLookup(api: ClusterApi, pods: WatchCache<AttestedPod>): PodLookup {
  const byPrefix = new Map<string, { readonly namespace: string; readonly name: string }>();
  const index = ({ uid, namespace, name }: AttestedPod): void =>
    void byPrefix.set(serialPrefixOf(uid), { namespace, name });
  pods.all().forEach(index);
  pods.onChange(({ kind, value }) => {
    if (kind === 'set') {
      index(value);
    } else {
      byPrefix.delete(serialPrefixOf(value.uid));
    }
  });
  return {
    find: (namespace, name) => pods.get(namespace, name),
    findBySerialPrefix(prefix) {
      const found = byPrefix.get(prefix);
      const pod = found === undefined ? undefined : pods.get(found.namespace, found.name);
      // A StatefulSet's next pod has the name of the last one: the UID decides.
      return pod !== undefined && serialPrefixOf(pod.uid) === prefix ? pod : undefined;
    },
    async fetch(namespace, name) {
      try {
        return parsePod(
          await api.get(`/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`),
        );
      } catch (error) {
        if (error instanceof ClusterFailure && error.code === 'not-found') {
          return undefined;
        }
        throw error;
      }
    },
  };
}
