/*
 * The cluster as it was before the demo's steps: an opted-in namespace, the people who work in it and what they may do. Everything here is applied by the admin.
 *
 * alice   develops in namespace shop: workloads, Secrets and policies there, nothing else
 * carol   a platform engineer: may bind any ClusterRole, ask for exemptions and, wrongly, also write their status
 * bob     a security engineer: approves exemptions
 */

export const people = {
  alice: { username: 'alice', groups: ['team-shop'] },
  carol: { username: 'carol', groups: ['platform'] },
  bob: { username: 'bob', groups: ['security'] },
} as const;

const rule = (apiGroups: readonly string[], resources: readonly string[], verbs: readonly string[]): object => ({
  apiGroups,
  resources,
  verbs,
});
const readWrite = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
const group = (name: string): object => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name });
const account = (namespace: string, name: string): object => ({ kind: 'ServiceAccount', namespace, name });

const rbac = (kind: string, name: string, namespace: string | undefined, more: object): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  ...more,
});
const roleRef = (kind: string, name: string): object => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });
const serviceAccount = (namespace: string, name: string): object => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { namespace, name },
});

/** Objects in the order they are applied. */
export const town: readonly object[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { 'sallyport.dev/identity': 'enabled' } } },
  ...['web', 'orders', 'stranger', 'reporter', 'ci'].map((name) => serviceAccount('shop', name)),

  rbac('Role', 'developer', 'shop', {
    rules: [
      rule([''], ['pods', 'services', 'configmaps'], readWrite),
      rule([''], ['secrets'], ['create', 'delete']),
      rule(['apps'], ['deployments'], readWrite),
      rule(['sallyport.dev'], ['accesspolicies'], readWrite),
    ],
  }),
  rbac('RoleBinding', 'developers', 'shop', { roleRef: roleRef('Role', 'developer'), subjects: [group('team-shop')] }),

  // An account that may read every Secret of the namespace: more than alice may.
  rbac('Role', 'report', 'shop', { rules: [rule([''], ['secrets'], ['get', 'list'])] }),
  rbac('RoleBinding', 'reporter', 'shop', {
    roleRef: roleRef('Role', 'report'),
    subjects: [account('shop', 'reporter')],
  }),

  rbac('ClusterRole', 'platform-engineer', undefined, {
    rules: [
      rule(['rbac.authorization.k8s.io'], ['clusterrolebindings'], readWrite),
      rule(['rbac.authorization.k8s.io'], ['clusterroles'], ['get', 'list', 'bind']),
      rule(['sallyport.dev'], ['exemptions'], ['get', 'list', 'create', 'update', 'delete']),
      rule(['sallyport.dev'], ['exemptions/status'], ['update', 'patch']),
    ],
  }),
  rbac('ClusterRoleBinding', 'platform-engineers', undefined, {
    roleRef: roleRef('ClusterRole', 'platform-engineer'),
    subjects: [group('platform')],
  }),

  rbac('ClusterRole', 'exemption-approver', undefined, {
    rules: [
      rule(['sallyport.dev'], ['exemptions'], ['get', 'list']),
      rule(['sallyport.dev'], ['exemptions/status'], ['update', 'patch']),
    ],
  }),
  rbac('ClusterRoleBinding', 'exemption-approvers', undefined, {
    roleRef: roleRef('ClusterRole', 'exemption-approver'),
    subjects: [group('security')],
  }),
];
