import type { JsonObject } from '../admission/request.ts';
import { isTokenMount } from '../deployer/token-volume.ts';
import { isJsonObject, listAt, memberAt, objectAt } from '../policy/json-access.ts';
import type { InjectionSettings } from './settings.ts';
import { isOurContainer } from './strip.ts';

/*
 * Once a webhook has changed a pod, the API server runs its own plugins again, and they complete the injected container like any other. What they add is kept when
 * the container is derived afresh: taken away, it would come back, and the stored pod would never be the expected one. Nothing here gives the container more than
 * its pod has.
 */

/** The sidecar as derived, with what the API server's plugins added to the one that `pod` has already. */
export function withServerAdditions(derived: JsonObject, pod: JsonObject, settings: InjectionSettings): JsonObject {
  const present = listAt(pod, 'spec', 'initContainers').find((container) => isOurContainer(container, settings));
  if (!isJsonObject(present)) {
    return derived;
  }
  return {
    ...derived,
    // AlwaysPullImages; the image is fixed by digest either way.
    ...(present['imagePullPolicy'] === 'Always' ? { imagePullPolicy: 'Always' } : {}),
    resources: withDefaultedResources(derived, present),
    volumeMounts: [...listAt(derived, 'volumeMounts'), ...tokenMounts(present, pod)],
  };
}

/** ServiceAccount: the account's token, in every container that mounts nothing at its place. */
function tokenMounts(present: JsonObject, pod: JsonObject): readonly JsonObject[] {
  return listAt(present, 'volumeMounts')
    .filter((mount) => isJsonObject(mount))
    .filter((mount) => isTokenMount(mount, pod))
    .slice(0, 1);
}

/** LimitRanger: the namespace's default of what we leave open, which of all its resources is the disk. */
function withDefaultedResources(derived: JsonObject, present: JsonObject): JsonObject {
  const members = ['limits', 'requests'].map((member): [string, JsonObject] => {
    const disk = memberAt(present, 'resources', member, 'ephemeral-storage');
    const own = objectAt(derived, 'resources', member) ?? {};
    return [member, disk === undefined ? own : { ...own, 'ephemeral-storage': disk }];
  });
  return Object.fromEntries(members);
}
