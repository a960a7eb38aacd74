import { textAt } from '../json.ts';
import { collectionPath } from '../resources.ts';
import type { Controller } from './controller.ts';
import { isDeleted } from './ownership.ts';

const namespaces = { group: '', plural: 'namespaces' };

/** Empties a namespace that is being deleted, then lets it go; pods leave when their kubelet says so. */
export const namespaceController: Controller = {
  name: 'namespace-controller',
  keysOf: (event, store) => {
    if (event.resource === 'namespaces') {
      return [textAt(event.object, 'metadata', 'name')];
    }
    const namespace = store.get(namespaces, '', textAt(event.object, 'metadata', 'namespace'));
    return event.type === 'DELETED' && namespace !== undefined && isDeleted(namespace)
      ? [textAt(namespace, 'metadata', 'name')]
      : [];
  },
  reconcile: async (name, { store, registry, client }) => {
    const namespace = store.get(namespaces, '', name);
    if (namespace === undefined || !isDeleted(namespace)) {
      return;
    }
    const kinds = registry.all().filter((resource) => resource.isNamespaced && resource.isStored);
    for (const resource of kinds.filter((kind) => store.list(kind, name).length > 0)) {
      await client.remove(collectionPath(resource, name));
    }
    if (kinds.every((kind) => store.list(kind, name).length === 0)) {
      await client.replace(`/api/v1/namespaces/${name}/finalize`, { ...namespace, spec: { finalizers: [] } });
    }
  },
};
