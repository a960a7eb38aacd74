import type { Json, JsonObject } from '../admission/request.ts';
import { injectedKeys } from '../annotations.ts';
import { listAt, objectAt, textAt } from '../policy/json-access.ts';
import { type InjectionSettings, injectedNames } from './settings.ts';

/** The image without tag and digest: `registry.example/sallyport`. */
export function repositoryOf(image: string): string {
  const [withoutDigest = ''] = image.split('@');
  const colon = withoutDigest.lastIndexOf(':');
  return colon > withoutDigest.lastIndexOf('/') ? withoutDigest.slice(0, colon) : withoutDigest;
}

/** Whether a container is a sidecar of ours, perhaps of another version: our name and our image's repository. */
export const isOurContainer = (container: Json, { image }: InjectionSettings): boolean =>
  textAt(container, 'name') === injectedNames.container &&
  repositoryOf(textAt(container, 'image') ?? '') === repositoryOf(image);

/**
 * The pod without what an injector of ours added, for a copied pod or one injected by another version: our container and, beside it, our volume, labels and
 * annotation. A pod without our container is given back as it is: what it has under our names is not ours.
 */
export function strip(pod: JsonObject, settings: InjectionSettings): JsonObject {
  const initContainers = listAt(pod, 'spec', 'initContainers');
  if (!initContainers.some((container) => isOurContainer(container, settings))) {
    return pod;
  }
  const metadata = objectAt(pod, 'metadata') ?? {};
  return {
    ...pod,
    metadata: {
      ...metadata,
      ...without(metadata, 'labels', [injectedKeys.injected, injectedKeys.ports]),
      ...without(metadata, 'annotations', [injectedKeys.injection]),
    },
    spec: {
      ...objectAt(pod, 'spec'),
      initContainers: initContainers.filter((container) => !isOurContainer(container, settings)),
      volumes: listAt(pod, 'spec', 'volumes').filter(
        (volume) => textAt(volume, 'name') !== injectedNames.identityVolume,
      ),
    },
  };
}

function without(metadata: JsonObject, member: string, keys: readonly string[]): JsonObject {
  const held = objectAt(metadata, member);
  return held === undefined
    ? {}
    : { [member]: Object.fromEntries(Object.entries(held).filter(([key]) => !keys.includes(key))) };
}
