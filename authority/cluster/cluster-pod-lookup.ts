import { ClusterFailure } from '../../runtime/cluster/cluster-failure.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import type { WatchCache } from '../../runtime/cluster/watch-cache.ts';
import type { AttestedPod, PodLookup } from '../attestation/ports.ts';
import { serialPrefixOf } from '../issuance/serial.ts';
import { parsePod } from './pod.ts';

/** Pods by the watch of injected ones, and one GET where the watch is behind. Finished and deleted pods leave the cache with the watch. */
export function clusterPodLookup(api: ClusterApi, pods: WatchCache<AttestedPod>): PodLookup {
  const byPrefix = new Map<string, AttestedPod>();
  const prefixes = new Map<string, string>();
  const forget = ({ namespace, name }: AttestedPod): void => {
    byPrefix.delete(prefixes.get(`${namespace}/${name}`) ?? '');
    prefixes.delete(`${namespace}/${name}`);
  };
  // A StatefulSet's next pod has the name of the last one, so what a name led to before is forgotten first.
  const index = (pod: AttestedPod): void => {
    forget(pod);
    byPrefix.set(serialPrefixOf(pod.uid), pod);
    prefixes.set(`${pod.namespace}/${pod.name}`, serialPrefixOf(pod.uid));
  };
  pods.all().forEach(index);
  pods.onChange(({ kind, value }) => (kind === 'set' ? index(value) : forget(value)));
  return {
    find: (namespace, name) => pods.get(namespace, name),
    findBySerialPrefix: (prefix) => byPrefix.get(prefix),
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
