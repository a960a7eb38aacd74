import { type JsonObject, listAt, objectAt, objectsAt, textAt, withAt } from '../json.ts';

/** Of what is written to a subresource, the part it is for; the rest stays as it is. `status` is told apart in metadata.ts. */
export function onlyOfSubresource(subresource: string, existing: JsonObject, desired: JsonObject): JsonObject {
  switch (subresource) {
    case 'ephemeralcontainers':
      return withAt(existing, ['spec', 'ephemeralContainers'], objectsAt(desired, 'spec', 'ephemeralContainers'));
    case 'resize':
      return withAt(existing, ['spec', 'containers'], resized(existing, desired));
    case 'finalize':
      return withAt(existing, ['spec', 'finalizers'], listAt(desired, 'spec', 'finalizers'));
    default:
      return desired;
  }
}

function resized(existing: JsonObject, desired: JsonObject): readonly JsonObject[] {
  const wanted = objectsAt(desired, 'spec', 'containers');
  return objectsAt(existing, 'spec', 'containers').map((container) => {
    const change = wanted.find((candidate) => textAt(candidate, 'name') === textAt(container, 'name'));
    return change === undefined ? container : { ...container, resources: objectAt(change, 'resources') };
  });
}
