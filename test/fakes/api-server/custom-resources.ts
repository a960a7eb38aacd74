import type { Cancel } from '../../../runtime/clock.ts';
import { type JsonObject, objectAt, objectsAt, textAt, valueAt } from './json.ts';
import { timestamp } from './metadata.ts';
import type { Services } from './services.ts';

const definitions = { group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions' };

/**
 * Serves the kinds of CustomResourceDefinitions from the moment they are stored, and forgets them with their objects when they are deleted. Schemas are
 * kept but not applied: nothing is pruned, defaulted or validated by them, and no CEL rule is evaluated.
 */
export function followDefinitions({ store, registry, clock }: Pick<Services, 'store' | 'registry' | 'clock'>): Cancel {
  return store.subscribe((event) => {
    if (event.resource !== 'customresourcedefinitions.apiextensions.k8s.io') {
      return;
    }
    if (event.type === 'DELETED') {
      removeObjects(store, event.object);
      registry.remove(event.object);
      return;
    }
    registry.define(event.object);
    if (valueAt(event.object, 'status', 'acceptedNames') === undefined) {
      const status = establishedStatus(event.object, timestamp(clock.now()));
      store.update(definitions, { ...event.object, status }, textAt(event.object, 'metadata', 'resourceVersion'));
    }
  });
}

function removeObjects(store: Services['store'], definition: JsonObject): void {
  const resource = {
    group: textAt(definition, 'spec', 'group'),
    plural: textAt(definition, 'spec', 'names', 'plural'),
  };
  for (const object of store.list(resource)) {
    const metadata = objectAt(object, 'metadata');
    store.remove(
      resource,
      textAt(metadata, 'namespace'),
      textAt(metadata, 'name'),
      textAt(metadata, 'resourceVersion'),
    );
  }
}

function establishedStatus(definition: JsonObject, now: string): JsonObject {
  const condition = (type: string, reason: string, message: string): JsonObject => ({
    type,
    status: 'True',
    lastTransitionTime: now,
    reason,
    message,
  });
  return {
    acceptedNames: objectAt(definition, 'spec', 'names'),
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    storedVersions: objectsAt(definition, 'spec', 'versions')
      .filter((version) => version['storage'] === true)
      .map((version) => textAt(version, 'name')),
  };
}
