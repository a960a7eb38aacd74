import { type JsonObject, objectAt, objectsAt, textAt, withAt, withDefaults } from '../json.ts';
import type { Resource } from '../resources.ts';
import { defaultPodOnly, defaultPodSpec } from './pod.ts';
import { defaultService } from './service.ts';
import { defaultWebhooks } from './webhooks.ts';

/**
 * The object with the defaults admission sees: pods and everything with a pod template, Services, Secrets, RBAC references and webhook
 * configurations. Other kinds are stored as they came; defaults of custom resources' schemas are not applied.
 */
export function withDefaultsOf(resource: Resource, object: JsonObject): JsonObject {
  switch (resource.kind) {
    case 'Pod':
      return defaultPodOnly(withAt(object, ['spec'], defaultPodSpec(objectAt(object, 'spec'))));
    case 'PodTemplate':
      return withTemplate(object, ['template']);
    case 'Deployment':
      return defaultDeployment(withTemplate(object, ['spec', 'template']));
    case 'ReplicaSet':
    case 'ReplicationController':
      return withSpec(withTemplate(object, ['spec', 'template']), { replicas: 1 });
    case 'StatefulSet':
      return withSpec(withTemplate(object, ['spec', 'template']), statefulSetDefaults);
    case 'DaemonSet':
      return withSpec(withTemplate(object, ['spec', 'template']), daemonSetDefaults);
    case 'Job':
      return withSpec(withTemplate(object, ['spec', 'template']), jobDefaults);
    case 'CronJob':
      return withSpec(withTemplate(object, ['spec', 'jobTemplate', 'spec', 'template']), cronJobDefaults);
    case 'Service':
      return defaultService(object);
    case 'Secret':
      return defaultSecret(object);
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return defaultBinding(object);
    case 'MutatingWebhookConfiguration':
    case 'ValidatingWebhookConfiguration':
      return defaultWebhooks(object);
    default:
      return object;
  }
}

function withSpec(object: JsonObject, defaults: JsonObject): JsonObject {
  return withAt(object, ['spec'], withDefaults(objectAt(object, 'spec'), defaults));
}

function withTemplate(object: JsonObject, path: readonly string[]): JsonObject {
  const spec = defaultPodSpec(objectAt(object, ...path, 'spec'));
  const metadata = { ...objectAt(object, ...path, 'metadata') };
  return withAt(object, path, { ...objectAt(object, ...path), metadata, spec });
}

function defaultDeployment(object: JsonObject): JsonObject {
  const given = objectAt(object, 'spec', 'strategy');
  const strategy =
    textAt(given, 'type') === 'Recreate'
      ? { type: 'Recreate' }
      : {
          type: 'RollingUpdate',
          rollingUpdate: withDefaults(objectAt(given, 'rollingUpdate'), { maxUnavailable: '25%', maxSurge: '25%' }),
        };
  const complete = withSpec(object, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  return withAt(complete, ['spec', 'strategy'], strategy);
}

const statefulSetDefaults: JsonObject = {
  replicas: 1,
  podManagementPolicy: 'OrderedReady',
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
  revisionHistoryLimit: 10,
  persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
};

const daemonSetDefaults: JsonObject = {
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
  revisionHistoryLimit: 10,
};

const jobDefaults: JsonObject = {
  parallelism: 1,
  completions: 1,
  backoffLimit: 6,
  completionMode: 'NonIndexed',
  suspend: false,
  podReplacementPolicy: 'TerminatingOrFailed',
  manualSelector: false,
};

const cronJobDefaults: JsonObject = {
  concurrencyPolicy: 'Allow',
  suspend: false,
  successfulJobsHistoryLimit: 3,
  failedJobsHistoryLimit: 1,
};

/** `stringData` is folded into `data` and never stored. */
function defaultSecret(object: JsonObject): JsonObject {
  const { stringData: _written, ...secret } = object;
  const given = Object.entries(objectAt(object, 'stringData'));
  const encoded = given.map(([key, text]): [string, string] => [
    key,
    Buffer.from(typeof text === 'string' ? text : '').toString('base64'),
  ]);
  const data = { ...objectAt(object, 'data'), ...Object.fromEntries(encoded) };
  return withDefaults(Object.keys(data).length === 0 ? secret : { ...secret, data }, { type: 'Opaque' });
}

function defaultBinding(object: JsonObject): JsonObject {
  const apiGroup = 'rbac.authorization.k8s.io';
  const subjects = objectsAt(object, 'subjects').map((subject) =>
    textAt(subject, 'kind') === 'ServiceAccount' ? subject : withDefaults(subject, { apiGroup }),
  );
  const complete = withAt(object, ['roleRef'], withDefaults(objectAt(object, 'roleRef'), { apiGroup }));
  return subjects.length === 0 ? complete : { ...complete, subjects };
}
