import { textAt } from '../json.ts';
import type { StoredEvent } from '../storage.ts';
import type { Controller, ControllerWorld } from './controller.ts';
import { isDeleted } from './ownership.ts';

const namespaces = { group: '', plural: 'namespaces' };

/** Every namespace has the account `default`. */
export const serviceAccountController: Controller = {
  name: 'service-account-controller',
  keysOf: (event) => concerned(event, 'serviceaccounts', 'default'),
  reconcile: async (namespace, world) => {
    if (isMissing(world, namespace, 'serviceaccounts', 'default')) {
      await world.client.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } });
    }
  },
};

/** Every namespace has ConfigMap `kube-root-ca.crt` with the CA of this API server. */
export function rootCaPublisher(caPem: string): Controller {
  return {
    name: 'root-ca-cert-publisher',
    keysOf: (event) => concerned(event, 'configmaps', 'kube-root-ca.crt'),
    reconcile: async (namespace, world) => {
      if (isMissing(world, namespace, 'configmaps', 'kube-root-ca.crt')) {
        const body = { metadata: { name: 'kube-root-ca.crt' }, data: { 'ca.crt': caPem } };
        await world.client.create(`/api/v1/namespaces/${namespace}/configmaps`, body);
      }
    },
  };
}

function concerned(event: StoredEvent, resource: string, name: string): readonly string[] {
  if (event.resource === 'namespaces') {
    return [textAt(event.object, 'metadata', 'name')];
  }
  const isOurs =
    event.resource === resource && event.type === 'DELETED' && textAt(event.object, 'metadata', 'name') === name;
  return isOurs ? [textAt(event.object, 'metadata', 'namespace')] : [];
}

function isMissing({ store }: ControllerWorld, namespace: string, plural: string, name: string): boolean {
  const found = store.get(namespaces, '', namespace);
  return found !== undefined && !isDeleted(found) && store.get({ group: '', plural }, namespace, name) === undefined;
}
