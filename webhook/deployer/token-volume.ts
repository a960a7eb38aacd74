import type { Json, JsonObject } from '../admission/request.ts';
import { isSameJson, listAt, objectAt, textAt } from '../policy/json-access.ts';

/** Where the API server's ServiceAccount plugin mounts the account's token, in every container that mounts nothing there itself. */
const tokenDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';

/**
 * Whether a volume is the one that the ServiceAccount plugin adds to a pod and not to its template: by name, and by its three sources, for anybody may give a
 * volume that name.
 */
export function isTokenVolume(volume: Json): boolean {
  const sources = listAt(volume, 'projected', 'sources');
  const isStandard = [isAccountToken, isRootCertificate, isNamespaceName].every((is) => sources.some(is));
  return (textAt(volume, 'name') ?? '').startsWith(volumePrefix) && sources.length === 3 && isStandard;
}

/** Whether a volume mount is exactly the plugin's: read-only at its directory, of a token volume that the pod has. */
export function isTokenMount(mount: Json, pod: JsonObject): boolean {
  const name = textAt(mount, 'name') ?? '';
  const isExact = isSameJson(mount, { name, readOnly: true, mountPath: tokenDirectory });
  return (
    isExact && listAt(pod, 'spec', 'volumes').some((volume) => textAt(volume, 'name') === name && isTokenVolume(volume))
  );
}

/** A token for the API server itself: one for another audience is the author's wish. */
function isAccountToken(source: Json): boolean {
  const token = objectAt(source, 'serviceAccountToken');
  return token !== undefined && token['audience'] === undefined && token['path'] === 'token';
}

const isRootCertificate = (source: Json): boolean => textAt(source, 'configMap', 'name') === 'kube-root-ca.crt';

const isNamespaceName = (source: Json): boolean =>
  listAt(source, 'downwardAPI', 'items').some(
    (item) => textAt(item, 'path') === 'namespace' && textAt(item, 'fieldRef', 'fieldPath') === 'metadata.namespace',
  );
