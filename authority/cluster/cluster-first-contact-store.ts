import { z } from 'zod';
import { ClusterFailure } from '../../runtime/cluster/cluster-failure.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import type { FirstContactStore } from '../bundles/ports.ts';
import { firstContactConfigMap } from '../marks.ts';

const { name, key } = firstContactConfigMap;
const configMap = z.looseObject({ data: z.record(z.string(), z.string()).default({}) });

/** ConfigMaps in the API server. A namespace's own admin can edit them: they authenticate the authority's endpoint, by its expected id, and nobody else. */
export function clusterFirstContactStore(api: ClusterApi): FirstContactStore {
  return {
    async put(namespace, caPem) {
      const collection = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`;
      const found = await orUndefined(api.get(`${collection}/${name}`), 'not-found');
      if (found === undefined) {
        await api.create(collection, objectOf(namespace, caPem));
        return;
      }
      const read = configMap.safeParse(found);
      if (!read.success || read.data.data[key] !== caPem || Object.keys(read.data.data).length !== 1) {
        await api.replace(`${collection}/${name}`, objectOf(namespace, caPem));
      }
    },
  };
}

function objectOf(namespace: string, caPem: string): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name, labels: { 'app.kubernetes.io/managed-by': 'sallyport' } },
    data: { [key]: caPem },
  };
}

async function orUndefined(call: Promise<unknown>, code: ClusterFailure['code']): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ClusterFailure && error.code === code) {
      return undefined;
    }
    throw error;
  }
}
