import { accepted } from '../../runtime/parsed.ts';
import type { AdmissionRequest, Json, JsonObject, Requester } from '../../webhook/admission/request.ts';
import type { RuleContext } from '../../webhook/policy/context.ts';
import { isJsonObject, memberAt, textAt } from '../../webhook/policy/json-access.ts';
import type { PolicySettings } from '../../webhook/policy/settings.ts';

/*
 * What a judgement needs, ready made: minimal objects that every rule accepts, requests that write them, facts about a quiet namespace.
 */

/** Members to change: objects are merged, everything else is replaced, `undefined` removes. */
export interface Tweak {
  readonly [member: string]: Json | Tweak | undefined;
}

/** The object with one change, the object itself untouched. */
export function tweaked(object: JsonObject, change: JsonObject | Tweak): JsonObject {
  const result = new Map<string, Json | undefined>(Object.entries(object));
  for (const [member, value] of Object.entries(change)) {
    const old = result.get(member);
    if (value === undefined) {
      result.delete(member);
    } else {
      result.set(member, isTweak(value) ? tweaked(isJsonObject(old) ? old : {}, value) : value);
    }
  }
  return Object.fromEntries(result);
}

function isTweak(value: Json | Tweak): value is Tweak {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A container that no rule minds. */
export const minimalContainer: JsonObject = { name: 'web', image: 'registry.example/web:1' };

/** A pod that no rule minds. */
export const minimalPod: JsonObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'payments', labels: { app: 'web' } },
  spec: { serviceAccountName: 'web', containers: [minimalContainer] },
};

/** A Secret that holds no credential. */
export const minimalSecret: JsonObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'web', namespace: 'payments' },
  type: 'Opaque',
  data: { username: base64('web') },
};

/** A grant of nothing to nobody. */
export const minimalClusterRoleBinding: JsonObject = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'auditors' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
};

/** Somebody asks; nobody has decided. */
export const minimalExemption: JsonObject = {
  apiVersion: 'sallyport.dev/v1alpha1',
  kind: 'Exemption',
  metadata: { name: 'auditors-view', generation: 1 },
  spec: {
    rules: ['cluster-role-binding-justification'],
    scope: [
      {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRoleBinding',
        name: 'auditors',
        grant: {
          roleRef: { kind: 'ClusterRole', name: 'view' },
          subjects: [{ kind: 'Group', name: 'auditors' }],
        },
      },
    ],
    justification: 'The yearly audit reads every namespace.',
    ticket: { system: 'tracker', id: 'OPS-1' },
    category: 'waiver',
    owner: { team: 'platform', contact: 'platform@example.org' },
    expiresAt: '2027-01-15T12:00:00Z',
    requestedBy: { username: 'alice', uid: '' },
  },
};

export const now = new Date('2027-01-01T12:00:00Z');
export const alice: Requester = { username: 'alice', uid: '', groups: ['team-a', 'system:authenticated'], extra: {} };
export const bob: Requester = { username: 'bob', uid: '', groups: ['team-b', 'system:authenticated'], extra: {} };

/** An account's requester, with the groups the API server gives it. */
export function account(namespace: string, name: string): Requester {
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    uid: '',
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: {},
  };
}

/** The request that creates `object`, by alice unless told otherwise. Kind, namespace and name come from the object. */
export function creates(object: JsonObject, rest: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const [group, version] = groupVersion(textAt(object, 'apiVersion') ?? 'v1');
  const kind = { group, version, kind: textAt(object, 'kind') ?? '' };
  return {
    uid: '0f8b3a6e-0000-4000-8000-000000000001',
    kind,
    requestKind: kind,
    resource: `${kind.kind.toLowerCase()}s`,
    subResource: '',
    name: textAt(object, 'metadata', 'name') ?? '',
    namespace: textAt(object, 'metadata', 'namespace') ?? '',
    operation: 'CREATE',
    requester: alice,
    object,
    oldObject: null,
    options: null,
    dryRun: false,
    ...rest,
  };
}

/** The request that changes `oldObject` into `object`. */
export function updates(
  oldObject: JsonObject,
  object: JsonObject,
  rest: Partial<AdmissionRequest> = {},
): AdmissionRequest {
  return creates(object, { operation: 'UPDATE', oldObject, ...rest });
}

function groupVersion(apiVersion: string): readonly [string, string] {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}

/** The settings of a new installation. */
export const policySettings: PolicySettings = {
  trustDomain: 'prod.example',
  systemNamespace: 'sallyport-system',
  clusterPolicy: 'enforce',
  clusterNamespaces: ['kube-*', 'sallyport-system'],
  ruleModes: {},
  weakDefaults: 'enforce',
  exemptions: { maxLifetimeMs: 90 * 86_400_000, ticketPattern: '.+', approverAccounts: [] },
  breakGlassGroups: [],
  sidecarUid: 15_443,
  authorAnnotations: new Map([
    ['sallyport.dev/inbound', accepted],
    ['sallyport.dev/x509-ttl', accepted],
  ]),
  release: {
    accounts: ['sallyport-webhook', 'sallyport-authority'],
    clusterRoles: ['sallyport-webhook', 'sallyport-authority'],
    webhookAccount: 'sallyport-webhook',
  },
};

/** A quiet opted-in namespace called payments: nothing else in it, no exemptions, no RBAC known, no sidecar expected. */
export function ruleContext(rest: Partial<RuleContext> = {}): RuleContext {
  return {
    now,
    settings: policySettings,
    namespace: { name: 'payments', labels: { 'sallyport.dev/identity': 'enabled' }, annotations: {}, known: true },
    rbac: undefined,
    exemptions: [],
    secretTypes: new Map(),
    referableNames: new Set(),
    liveOwner: undefined,
    ownerChain: [],
    expectedPod: { kind: 'skip', reason: 'not-opted-in', detail: 'the case is not about injection' },
    ...rest,
  };
}

/** Text as the `data` of a Secret holds it. */
export function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

const templateKinds: readonly JsonObject[] = [
  { apiVersion: 'v1', kind: 'ReplicationController' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', kind: 'DaemonSet' },
  { apiVersion: 'batch/v1', kind: 'Job' },
];

/** One object of every kind that holds a pod, with `pod` in it, and the JSON pointer to it there. The pod itself comes first. */
export function everyKindOf(pod: JsonObject): readonly { readonly object: JsonObject; readonly base: string }[] {
  const template: JsonObject = { metadata: memberAt(pod, 'metadata') ?? {}, spec: memberAt(pod, 'spec') ?? {} };
  const metadata: JsonObject = { name: 'web', namespace: 'payments' };
  return [
    { object: pod, base: '' },
    { object: { apiVersion: 'v1', kind: 'PodTemplate', metadata, template }, base: '/template' },
    ...templateKinds.map((kind) => ({ object: { ...kind, metadata, spec: { template } }, base: '/spec/template' })),
    {
      object: { apiVersion: 'batch/v1', kind: 'CronJob', metadata, spec: { jobTemplate: { spec: { template } } } },
      base: '/spec/jobTemplate/spec/template',
    },
  ];
}

const containerLists = [
  { member: 'initContainers', word: 'init container' },
  { member: 'containers', word: 'container' },
  { member: 'ephemeralContainers', word: 'ephemeral container' },
] as const;

/** The pod with one more container called `web`, as an init, a regular and an ephemeral one. `label`: how findings call it. */
export function everyContainerListOf(
  pod: JsonObject,
  container: JsonObject,
): readonly { readonly pod: JsonObject; readonly path: string; readonly label: string }[] {
  const main: JsonObject = { name: 'main', image: 'registry.example/main:1' };
  return containerLists.map(({ member, word }) => ({
    pod: tweaked(pod, { spec: { containers: [main], [member]: [container] } }),
    path: `/spec/${member}/0`,
    label: `${word} "web"`,
  }));
}
