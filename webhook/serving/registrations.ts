import type { JsonObject } from '../admission/request.ts';
import { keyPrefix, namespaceLabels } from '../annotations.ts';

/*
 * What the API server asks us about, as data: the table of registrations. An entry is listed when a rule of its kinds exists. `matchConditions` keep the cluster
 * independent of us and cut load; they only optimise, the verdict is the same without them (break-glass apart). Each expression is total, for one that fails
 * under failurePolicy Fail refuses the request without asking us.
 *
 * The self-test of a registration comes with the real cluster; until then an entry takes its values from the table as soon as our CA is in the configuration.
 */

export const configurationName = 'sallyport';
export const mutatingPath = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
export const validatingPath = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

export interface RegistrationSettings {
  readonly systemNamespace: string;
  readonly service: string;
  readonly clusterPolicy: string;
  /** Undefined: the installer has not said who may break the glass, so nothing may fail closed yet. */
  readonly breakGlassGroups: readonly string[] | undefined;
}

export interface RegistrationState {
  /** PEM certificates of every replica's CA. */
  readonly caBundle: string;
  /** Whether the API server already trusts one of them. */
  readonly isTrusted: boolean;
}

type Path = 'mutate' | 'validate';
type Where = 'opted-in' | 'elsewhere' | 'all';
type FailurePolicy = 'Fail' | 'Ignore';

interface Resources {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly string[];
  readonly operations: readonly ('CREATE' | 'UPDATE')[];
  readonly scope: 'Namespaced' | 'Cluster';
}

interface Condition {
  readonly name: string;
  readonly expression: string;
}

/** One row of the table. `name` without its domain. */
export interface Registration {
  readonly name: string;
  readonly path: Path;
  readonly rules: readonly Resources[];
  readonly where: Where;
  readonly onFailure: FailurePolicy;
  readonly timeoutSeconds: number;
  readonly conditions: readonly Condition[];
}

const written = ['CREATE', 'UPDATE'] as const;

const exemptionWrites: Resources = {
  group: 'sallyport.dev',
  version: 'v1alpha1',
  resources: ['exemptions', 'exemptions/status'],
  operations: written,
  scope: 'Cluster',
};

const workloadWrites: readonly Resources[] = [
  {
    group: '',
    version: 'v1',
    resources: ['pods', 'pods/ephemeralcontainers', 'pods/resize', 'replicationcontrollers', 'podtemplates'],
    operations: written,
    scope: 'Namespaced',
  },
  {
    group: 'apps',
    version: 'v1',
    resources: ['deployments', 'replicasets', 'statefulsets', 'daemonsets'],
    operations: written,
    scope: 'Namespaced',
  },
  { group: 'batch', version: 'v1', resources: ['jobs', 'cronjobs'], operations: written, scope: 'Namespaced' },
];

const secretWrites: Resources = {
  group: '',
  version: 'v1',
  resources: ['secrets'],
  operations: written,
  scope: 'Namespaced',
};

const clusterWrites: Resources = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  resources: ['clusterrolebindings'],
  operations: written,
  scope: 'Cluster',
};

/** Its readiness would hang on us. */
const notApiServer: Condition = {
  name: 'not-the-api-server',
  expression: "request.userInfo.username != 'system:apiserver'",
};

/** Mirror pods: no static pod would show while we are down. */
const notNode: Condition = {
  name: 'not-a-node',
  expression:
    "request.resource.resource != 'pods' || request.operation != 'CREATE' || !(has(request.userInfo.groups) && 'system:nodes' in request.userInfo.groups)",
};

/** Finalizers and status writers. */
const specChanged: Condition = {
  name: 'spec-changed',
  expression: [
    "request.operation != 'UPDATE'",
    'object.?spec != oldObject.?spec',
    'object.?template != oldObject.?template',
    'object.metadata.?labels != oldObject.metadata.?labels',
    'object.metadata.?annotations != oldObject.metadata.?annotations',
  ].join(' || '),
};

/** Leader election and its like. */
const contentChanged: Condition = {
  name: 'content-changed',
  expression: [
    "request.operation != 'UPDATE'",
    'object.?data != oldObject.?data',
    'object.?stringData != oldObject.?stringData',
    'object.?type != oldObject.?type',
  ].join(' || '),
};

/** The whole table, in the order of the configurations. */
export function registrations(settings: RegistrationSettings): readonly Registration[] {
  const workloads = {
    path: 'validate',
    rules: workloadWrites,
    conditions: [notApiServer, notNode, specChanged],
  } as const;
  const credentials = { path: 'validate', rules: [secretWrites], conditions: [notApiServer, contentChanged] } as const;
  const ours = notOurselves(settings.systemNamespace);
  return [
    {
      name: 'inject',
      path: 'mutate',
      rules: [{ group: '', version: 'v1', resources: ['pods'], operations: ['CREATE'], scope: 'Namespaced' }],
      where: 'opted-in',
      onFailure: 'Fail',
      timeoutSeconds: 3,
      conditions: [notApiServer, notNode],
    },
    {
      name: 'exemptions-author',
      path: 'mutate',
      rules: [exemptionWrites],
      where: 'all',
      onFailure: 'Fail',
      timeoutSeconds: 3,
      conditions: [notApiServer, ours],
    },
    { name: 'workloads', ...workloads, where: 'opted-in', onFailure: 'Fail', timeoutSeconds: 5 },
    { name: 'workloads-elsewhere', ...workloads, where: 'elsewhere', onFailure: 'Ignore', timeoutSeconds: 5 },
    { name: 'credentials', ...credentials, where: 'opted-in', onFailure: 'Fail', timeoutSeconds: 5 },
    { name: 'credentials-elsewhere', ...credentials, where: 'elsewhere', onFailure: 'Ignore', timeoutSeconds: 5 },
    {
      name: 'cluster',
      path: 'validate',
      rules: [clusterWrites],
      where: 'all',
      onFailure: settings.clusterPolicy === 'enforce' ? 'Fail' : 'Ignore',
      timeoutSeconds: 5,
      conditions: [notApiServer, notBreakGlass(settings.breakGlassGroups ?? [])],
    },
    {
      name: 'resources',
      path: 'validate',
      rules: [exemptionWrites],
      where: 'all',
      onFailure: 'Fail',
      timeoutSeconds: 3,
      conditions: [notApiServer, ours],
    },
  ];
}

/** The two configurations as the leader applies them, mutating first. */
export function configurations(settings: RegistrationSettings, state: RegistrationState): readonly JsonObject[] {
  const entries = registrations(settings).map((entry) => ({ entry, webhook: webhookOf(entry, settings, state) }));
  const of = (path: Path): readonly JsonObject[] =>
    entries.filter(({ entry }) => entry.path === path).map(({ webhook }) => webhook);
  return [
    { ...configurationOf('MutatingWebhookConfiguration'), webhooks: of('mutate') },
    { ...configurationOf('ValidatingWebhookConfiguration'), webhooks: of('validate') },
  ];
}

/** What an entry does when we do not answer, at present: nothing fails closed before the API server trusts us and somebody may break the glass. */
export function presentFailurePolicy(
  entry: Registration,
  settings: RegistrationSettings,
  state: RegistrationState,
): FailurePolicy {
  return state.isTrusted && settings.breakGlassGroups !== undefined ? entry.onFailure : 'Ignore';
}

function configurationOf(kind: string): JsonObject {
  return { apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name: configurationName } };
}

function webhookOf(entry: Registration, settings: RegistrationSettings, state: RegistrationState): JsonObject {
  const failurePolicy = presentFailurePolicy(entry, settings, state);
  return {
    name: `${entry.name}.sallyport.dev`,
    clientConfig: {
      caBundle: Buffer.from(state.caBundle).toString('base64'),
      service: { namespace: settings.systemNamespace, name: settings.service, path: `/${entry.path}`, port: 443 },
    },
    rules: entry.rules.map(ruleOf),
    namespaceSelector: namespaceSelectorOf(entry.where, settings.systemNamespace),
    objectSelector: {},
    matchConditions: entry.conditions.map(({ name, expression }) => ({ name: `${keyPrefix}${name}`, expression })),
    matchPolicy: 'Equivalent',
    failurePolicy,
    timeoutSeconds: failurePolicy === 'Ignore' ? 1 : entry.timeoutSeconds,
    sideEffects: entry.path === 'mutate' ? 'None' : 'NoneOnDryRun',
    admissionReviewVersions: ['v1'],
    ...(entry.path === 'mutate' ? { reinvocationPolicy: 'IfNeeded' } : {}),
  };
}

function ruleOf({ group, version, resources, operations, scope }: Resources): JsonObject {
  return { apiGroups: [group], apiVersions: [version], resources, operations, scope };
}

/** Our own namespace never opts in, whatever its labels say: no pod of ours could start once all were gone. */
function namespaceSelectorOf(where: Where, systemNamespace: string): JsonObject {
  if (where === 'all') {
    return {};
  }
  const values = ['enabled'];
  return where === 'elsewhere'
    ? { matchExpressions: [{ key: namespaceLabels.identity, operator: 'NotIn', values }] }
    : {
        matchExpressions: [
          { key: namespaceLabels.identity, operator: 'In', values },
          { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [systemNamespace] },
        ],
      };
}

/** Neither of our programs may wait for the other. */
function notOurselves(systemNamespace: string): Condition {
  const accounts = ['sallyport-webhook', 'sallyport-authority'].map(
    (name) => `'system:serviceaccount:${systemNamespace}:${name}'`,
  );
  return { name: 'not-ourselves', expression: `!(request.userInfo.username in [${accounts.join(', ')}])` };
}

function notBreakGlass(groups: readonly string[]): Condition {
  const names = ['system:masters', ...groups].map(
    (group) => `'${group.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`,
  );
  return {
    name: 'not-break-glass',
    expression: `!(has(request.userInfo.groups) && request.userInfo.groups.exists(g, g in [${names.join(', ')}]))`,
  };
}
