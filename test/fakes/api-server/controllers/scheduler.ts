import { listAt, textAt } from '../json.ts';
import { isApiError } from '../status.ts';
import type { Controller } from './controller.ts';
import { isDeleted, keyOf, splitKey } from './ownership.ts';

/** Binds every pod to the one node; resources, affinity and taints are not looked at. */
export function scheduler(nodeName: string): Controller {
  return {
    name: 'kube-scheduler',
    keysOf: (event) => (event.resource === 'pods' && event.type !== 'DELETED' ? [keyOf(event.object)] : []),
    reconcile: async (key, { store, client }) => {
      const [namespace, name] = splitKey(key);
      const pod = store.get({ group: '', plural: 'pods' }, namespace, name);
      const isWaiting = pod !== undefined && !isDeleted(pod) && textAt(pod, 'spec', 'nodeName') === '';
      if (!isWaiting || listAt(pod, 'spec', 'schedulingGates').length > 0) {
        return;
      }
      const target = { apiVersion: 'v1', kind: 'Node', name: nodeName };
      await client
        .create(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, { metadata: { name, namespace }, target })
        .catch((error: unknown) => {
          if (!isApiError(error, 404)) {
            throw error;
          }
        });
    },
  };
}
