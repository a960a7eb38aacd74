import type { JsonObject } from '../json.ts';
import { controllerRoles } from './controller-roles.ts';

/*
 * The default roles that matter to what is judged here: the four every account has, the three a person is given, and those of the controllers that
 * run inside. The rules of admin, edit and view are the real ones for the kinds that are served, collected by aggregation as in the real server.
 */

/** All bootstrap ClusterRoles and ClusterRoleBindings. */
export function bootstrapRbac(): readonly JsonObject[] {
  return [
    ...roles,
    ...controllerRoles.map(({ name, rules }) => role(`system:controller:${name}`, rules)),
    ...bindings(),
  ];
}

type Rule = JsonObject;

const read = ['get', 'list', 'watch'];
const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const rbacGroup = 'rbac.authorization.k8s.io';

const of = (apiGroup: string, resources: readonly string[], verbs: readonly string[]): Rule => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
});
const urls = (nonResourceURLs: readonly string[]): Rule => ({ nonResourceURLs, verbs: ['get'] });

function role(
  name: string,
  rules: readonly Rule[],
  more: { labels?: Record<string, string>; aggregate?: string } = {},
): JsonObject {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: 'ClusterRole',
    metadata: {
      name,
      labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...more.labels },
      annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
    },
    ...(more.aggregate === undefined
      ? {}
      : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregation(more.aggregate)]: 'true' } }] } }),
    rules,
  };
}

function aggregation(to: string): string {
  return `rbac.authorization.k8s.io/aggregate-to-${to}`;
}

function binding(name: string, subjects: readonly JsonObject[], roleName = name): JsonObject {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: {
      name,
      labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
      annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
    },
    roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: roleName },
    subjects,
  };
}

const group = (name: string): JsonObject => ({ apiGroup: rbacGroup, kind: 'Group', name });

function bindings(): readonly JsonObject[] {
  const authenticated = group('system:authenticated');
  return [
    binding('cluster-admin', [group('system:masters')]),
    binding('system:discovery', [authenticated]),
    binding('system:basic-user', [authenticated]),
    binding('system:public-info-viewer', [authenticated, group('system:unauthenticated')]),
    binding('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
    // The real server has no such binding: nodes are held by the node authorizer, which is not rebuilt here.
    binding('system:node', [group('system:nodes')]),
    binding('system:kube-scheduler', [{ apiGroup: rbacGroup, kind: 'User', name: 'system:kube-scheduler' }]),
    ...controllerRoles.map(({ name }) =>
      binding(`system:controller:${name}`, [{ kind: 'ServiceAccount', name, namespace: 'kube-system' }]),
    ),
  ];
}

const workloads = ['daemonsets', 'deployments', 'replicasets', 'statefulsets'];
const scales = ['deployments/scale', 'replicasets/scale', 'statefulsets/scale'];

const viewRules: readonly Rule[] = [
  of(
    '',
    [
      'configmaps',
      'endpoints',
      'persistentvolumeclaims',
      'pods',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'serviceaccounts',
      'services',
    ],
    read,
  ),
  of(
    '',
    [
      'bindings',
      'events',
      'limitranges',
      'namespaces/status',
      'pods/log',
      'pods/status',
      'replicationcontrollers/status',
      'resourcequotas',
    ],
    read,
  ),
  of('', ['namespaces'], read),
  of('discovery.k8s.io', ['endpointslices'], read),
  of('apps', [...workloads, ...scales, 'controllerrevisions'], read),
  of('autoscaling', ['horizontalpodautoscalers'], read),
  of('batch', ['cronjobs', 'jobs'], read),
  of('policy', ['poddisruptionbudgets'], read),
  of('networking.k8s.io', ['ingresses', 'networkpolicies'], read),
];

const editRules: readonly Rule[] = [
  of('', ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'], read),
  of('', ['serviceaccounts'], ['impersonate']),
  of('', ['pods', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy'], write),
  of('', ['pods/eviction'], ['create']),
  of(
    '',
    [
      'configmaps',
      'events',
      'persistentvolumeclaims',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'secrets',
      'serviceaccounts',
      'services',
      'services/proxy',
    ],
    write,
  ),
  of('', ['serviceaccounts/token'], ['create']),
  of('apps', [...workloads, ...scales, 'deployments/rollback'], write),
  of('autoscaling', ['horizontalpodautoscalers'], write),
  of('batch', ['cronjobs', 'jobs'], write),
  of('policy', ['poddisruptionbudgets'], write),
  of('networking.k8s.io', ['ingresses', 'networkpolicies'], write),
  of('coordination.k8s.io', ['leases'], [...write, ...read]),
];

const adminRules: readonly Rule[] = [
  of('authorization.k8s.io', ['localsubjectaccessreviews'], ['create']),
  of(rbacGroup, ['rolebindings', 'roles'], [...write, ...read]),
];

const discoveryUrls = [
  '/api',
  '/api/*',
  '/apis',
  '/apis/*',
  '/healthz',
  '/livez',
  '/openapi',
  '/openapi/*',
  '/readyz',
  '/version',
  '/version/',
];

const nodeRules: readonly Rule[] = [
  of('authentication.k8s.io', ['tokenreviews'], ['create']),
  of('authorization.k8s.io', ['localsubjectaccessreviews', 'subjectaccessreviews'], ['create']),
  of('', ['services'], read),
  of('discovery.k8s.io', ['endpointslices'], read),
  of('', ['nodes'], ['create', ...read]),
  of('', ['nodes/status'], ['patch', 'update']),
  of('', ['nodes'], ['patch', 'update']),
  of('', ['events'], ['create', 'patch', 'update']),
  of('', ['pods'], [...read, 'create', 'delete']),
  of('', ['pods/status'], ['patch', 'update']),
  of('', ['pods/eviction'], ['create']),
  of('', ['configmaps', 'secrets'], read),
  of('', ['serviceaccounts/token'], ['create']),
  of('', ['serviceaccounts'], ['get']),
  of('coordination.k8s.io', ['leases'], ['create', 'delete', 'get', 'patch', 'update']),
];

const roles: readonly JsonObject[] = [
  role('cluster-admin', [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ]),
  role('system:discovery', [urls(discoveryUrls)]),
  role('system:basic-user', [
    of('authorization.k8s.io', ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
    of('authentication.k8s.io', ['selfsubjectreviews'], ['create']),
  ]),
  role('system:public-info-viewer', [urls(['/healthz', '/livez', '/readyz', '/version', '/version/'])]),
  role('system:service-account-issuer-discovery', [
    urls([
      '/.well-known/openid-configuration',
      '/.well-known/openid-configuration/',
      '/openid/v1/jwks',
      '/openid/v1/jwks/',
    ]),
  ]),
  role('system:auth-delegator', [
    of('authentication.k8s.io', ['tokenreviews'], ['create']),
    of('authorization.k8s.io', ['subjectaccessreviews'], ['create']),
  ]),
  role('system:node', nodeRules),
  role('system:kube-scheduler', [
    of('', ['nodes', 'pods', 'namespaces'], read),
    of('', ['bindings', 'pods/binding'], ['create']),
    of('', ['pods/status'], ['patch', 'update']),
  ]),
  role('admin', [], { aggregate: 'admin' }),
  role('edit', [], { aggregate: 'edit', labels: { [aggregation('admin')]: 'true' } }),
  role('view', [], { aggregate: 'view', labels: { [aggregation('edit')]: 'true' } }),
  role('system:aggregate-to-admin', adminRules, { labels: { [aggregation('admin')]: 'true' } }),
  role('system:aggregate-to-edit', editRules, { labels: { [aggregation('edit')]: 'true' } }),
  role('system:aggregate-to-view', viewRules, { labels: { [aggregation('view')]: 'true' } }),
];
