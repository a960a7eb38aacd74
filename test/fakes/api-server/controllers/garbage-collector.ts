import { type JsonObject, objectsAt, textAt } from '../json.ts';
import { collectionPath, type Registry, type Resource } from '../resources.ts';
import { isApiError, qualified } from '../status.ts';
import type { Store } from '../storage.ts';
import type { Controller } from './controller.ts';
import { keyOf, splitKey } from './ownership.ts';

/** Removes, in the background, what no living owner is left of. Foreground deletion and orphaning are not served. */
export function garbageCollector(registry: Registry): Controller {
  const dependents = (store: Store, uid: string): readonly string[] =>
    registry
      .all()
      .filter((resource) => resource.isStored)
      .flatMap((resource) =>
        store
          .list(resource)
          .filter((object) => ownerUids(object).includes(uid))
          .map((object) => `${qualified(resource)}|${keyOf(object)}`),
      );
  return {
    name: 'generic-garbage-collector',
    keysOf: (event, store) => {
      if (event.type === 'DELETED') {
        return dependents(store, textAt(event.object, 'metadata', 'uid'));
      }
      return event.type === 'ADDED' && ownerUids(event.object).length > 0
        ? [`${event.resource}|${keyOf(event.object)}`]
        : [];
    },
    reconcile: async (key, { store, client }) => {
      const [kind = '', place = ''] = key.split('|');
      const resource = registry.all().find((candidate) => qualified(candidate) === kind);
      const object = resource === undefined ? undefined : store.get(resource, ...splitKey(place));
      if (resource === undefined || object === undefined || hasOwner(store, registry, object)) {
        return;
      }
      const uid = textAt(object, 'metadata', 'uid');
      const path = `${collectionPath(resource, textAt(object, 'metadata', 'namespace'))}/${textAt(object, 'metadata', 'name')}`;
      await client.remove(path, { preconditions: { uid } }).catch(ignoreGone);
    },
  };
}

function ownerUids(object: JsonObject): readonly string[] {
  return objectsAt(object, 'metadata', 'ownerReferences').map((reference) => textAt(reference, 'uid'));
}

function hasOwner(store: Store, registry: Registry, object: JsonObject): boolean {
  const references = objectsAt(object, 'metadata', 'ownerReferences');
  return references.length === 0 || references.some((reference) => isAlive(store, registry, object, reference));
}

function isAlive(store: Store, registry: Registry, object: JsonObject, reference: JsonObject): boolean {
  const resource: Resource | undefined = registry.ofKind(textAt(reference, 'apiVersion'), textAt(reference, 'kind'));
  if (resource === undefined) {
    // A kind that is not served cannot be looked up, so nothing is known against its owner.
    return true;
  }
  const namespace = resource.isNamespaced ? textAt(object, 'metadata', 'namespace') : '';
  const owner = store.get(resource, namespace, textAt(reference, 'name'));
  return textAt(owner, 'metadata', 'uid') === textAt(reference, 'uid');
}

function ignoreGone(error: unknown): void {
  if (!isApiError(error, 404) && !isApiError(error, 409)) {
    throw error;
  }
}
