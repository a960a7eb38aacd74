import { ClusterFailure } from '../../runtime/cluster/cluster-failure.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import type { WatchCache } from '../../runtime/cluster/watch-cache.ts';
import { AdmissionFailure } from '../admission/failures.ts';
import { namespaceFacts } from '../admission/memory-cluster.ts';
import type { NamespaceLookup } from '../admission/ports.ts';
import type { NamespaceFacts } from '../policy/context.ts';
import { isObject } from './objects.ts';

export const namespacesPath = '/api/v1/namespaces';

/** Labels from the watch cache; a namespace it lacks is read directly, for the cache may be behind. Rejects with `dependency`. */
export function clusterNamespaces(api: ClusterApi, cache: Pick<WatchCache<NamespaceFacts>, 'get'>): NamespaceLookup {
  return { find: async (name) => cache.get('', name) ?? (await readNamespace(api, name)) };
}

/** What the cache keeps of a Namespace. */
export function parseNamespace(object: unknown): NamespaceFacts | undefined {
  return isObject(object) ? namespaceFacts(object) : undefined;
}

async function readNamespace(api: ClusterApi, name: string): Promise<NamespaceFacts | undefined> {
  try {
    return parseNamespace(await api.get(`${namespacesPath}/${encodeURIComponent(name)}`));
  } catch (error) {
    if (error instanceof ClusterFailure && error.code === 'not-found') {
      return undefined;
    }
    throw new AdmissionFailure('dependency', { cause: error });
  }
}
