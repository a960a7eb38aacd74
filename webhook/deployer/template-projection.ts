import type { Json, JsonObject } from '../admission/request.ts';
import { visitContainers } from '../policy/containers.ts';
import { digestOf } from '../policy/digest.ts';
import { listAt, memberAt, textAt } from '../policy/json-access.ts';
import { isTokenMount, isTokenVolume } from './token-volume.ts';

/** Fields of a container that decide which code runs, with what it is fed, and what it may do to its node. */
const containerFields: readonly (readonly string[])[] = [
  ['name'],
  ['image'],
  ['command'],
  ['args'],
  ['workingDir'],
  ['env'],
  ['envFrom'],
  ['securityContext', 'privileged'],
  ['securityContext', 'capabilities'],
  ['securityContext', 'runAsUser'],
  // A hook or a probe runs its command in the container, under the same account.
  ...['postStart', 'preStop'].map((hook) => ['lifecycle', hook, 'exec', 'command']),
  ...['startupProbe', 'livenessProbe', 'readinessProbe'].map((probe) => [probe, 'exec', 'command']),
];

const podFields: readonly string[] = ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace'];

/**
 * What of a pod (template) its deployer answers for: who changes it is the deployer from then on. Replicas, metadata and restart annotations are outside, and so
 * is what the API server adds to a pod by itself, or may default anew after an upgrade.
 */
export function templateProjection(pod: JsonObject): Json {
  return {
    serviceAccount: serviceAccountOf(pod),
    containers: visitContainers(pod, '').map(({ kind, container }) => ({
      kind,
      ...fieldsOf(container),
      volumeMounts: listAt(container, 'volumeMounts').filter((mount) => !isTokenMount(mount, pod)),
    })),
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
