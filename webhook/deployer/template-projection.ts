import type { Json, JsonObject } from '../admission/request.ts';
import { visitContainers } from '../policy/containers.ts';
import { digestOf } from '../policy/digest.ts';
import { listAt, memberAt, textAt } from '../policy/json-access.ts';

/** Fields of a container that decide which code runs, with what it is fed, and what it may do to its node. */
const containerFields: readonly (readonly string[])[] = [
  ['name'],
  ['image'],
  ['command'],
  ['args'],
  ['env'],
  ['envFrom'],
  ['volumeMounts'],
  ['securityContext', 'privileged'],
  ['securityContext', 'capabilities'],
  ['securityContext', 'runAsUser'],
];

const podFields: readonly string[] = ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace'];

/**
 * What of a pod (template) its deployer answers for: who changes it is the deployer from then on. Replicas, metadata and restart annotations are outside, and so
 * is everything that an upgrade of the API server may default anew.
 */
export function templateProjection(pod: JsonObject): Json {
  return {
    serviceAccount: serviceAccountOf(pod),
    containers: visitContainers(pod, '').map(({ kind, container }) => ({ kind, ...fieldsOf(container) })),
    volumes: listAt(pod, 'spec', 'volumes').filter((volume) => !isTokenVolume(volume)),
    ...Object.fromEntries(podFields.map((field) => [field, memberAt(pod, 'spec', field) === true])),
    runAsUser: memberAt(pod, 'spec', 'securityContext', 'runAsUser') ?? null,
  };
}

/** `sha256:` and 64 hex digits over the canonical JSON of the projection. */
export const templateDigest = (pod: JsonObject): string => digestOf(templateProjection(pod));

/** The account a pod runs under: `serviceAccountName`, the deprecated `serviceAccount`, else `default` (AR-32). */
export function serviceAccountOf(pod: JsonObject): string {
  const named = [textAt(pod, 'spec', 'serviceAccountName'), textAt(pod, 'spec', 'serviceAccount')].find(
    (name) => name !== undefined && name !== '',
  );
  return named ?? 'default';
}

function fieldsOf(container: JsonObject): JsonObject {
  return Object.fromEntries(
    containerFields.flatMap((path) => {
      const value = memberAt(container, ...path);
      return value === undefined ? [] : [[path.join('.'), value]];
    }),
  );
}

/** The volume that the API server adds to a pod and not to its template. */
const isTokenVolume = (volume: Json): boolean => textAt(volume, 'name')?.startsWith('kube-api-access-') === true;
