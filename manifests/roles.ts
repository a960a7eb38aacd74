/*
 * What our two programs may do in a cluster, and not one verb more: the ClusterRoles, Roles and bindings of webhook and authority, as the API server takes them.
 * Neither may read a Secret, create or delete a webhook configuration, or touch an account.
 */

export interface AccessRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** A ClusterRole, Role or binding of either. */
export type AccessObject = Readonly<Record<string, unknown>> & {
  readonly kind: 'ClusterRole' | 'ClusterRoleBinding' | 'Role' | 'RoleBinding';
};

const apiGroup = 'rbac.authorization.k8s.io';
const watched = ['list', 'watch'];

const webhookInCluster: readonly AccessRule[] = [
  // Labels of namespaces (one that the watch does not know yet is read by itself), power of accounts, names that may stand as references.
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get', ...watched] },
  { apiGroups: [''], resources: ['serviceaccounts'], verbs: watched },
  {
    apiGroups: [apiGroup],
    resources: ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'],
    verbs: watched,
  },
  { apiGroups: ['sallyport.dev'], resources: ['exemptions'], verbs: watched },
  // Pods by their port label, for the NetworkPolicies of capture `explicit`.
  { apiGroups: [''], resources: ['pods'], verbs: watched },
  {
    apiGroups: ['networking.k8s.io'],
    resources: ['networkpolicies'],
    // An apply that makes an object needs `create` beside `patch`.
    verbs: [...watched, 'create', 'patch', 'delete'],
  },
  // Owners, one by one: whether the controller that writes a pod writes it for somebody.
  { apiGroups: [''], resources: ['replicationcontrollers'], verbs: ['get'] },
  { apiGroups: ['apps'], resources: ['deployments', 'replicasets', 'statefulsets', 'daemonsets'], verbs: ['get'] },
  { apiGroups: ['batch'], resources: ['jobs', 'cronjobs'], verbs: ['get'] },
  // Our own two configurations, which the manifests ship empty.
  {
    apiGroups: ['admissionregistration.k8s.io'],
    resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
    resourceNames: ['sallyport'],
    verbs: ['get', 'patch'],
  },
];

const webhookAtHome: readonly AccessRule[] = [
  // The leader's Lease is read and replaced, a replica's own applied, those of all listed.
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'list', 'create', 'update', 'patch'] },
];

const authorityInCluster: readonly AccessRule[] = [
  { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
  { apiGroups: [''], resources: ['namespaces', 'services'], verbs: watched },
  // A pod that the watch does not know yet is read by itself.
  { apiGroups: [''], resources: ['pods'], verbs: ['get', ...watched] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: watched },
  { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs: watched },
  { apiGroups: ['sallyport.dev'], resources: ['accesspolicies'], verbs: watched },
  { apiGroups: ['sallyport.dev'], resources: ['trustbundles'], verbs: ['get', 'create', 'update'] },
  { apiGroups: ['sallyport.dev'], resources: ['trustbundles/status'], verbs: ['patch'] },
  // First contact: one ConfigMap of a fixed name in every opted-in namespace. RBAC cannot limit a create by name.
  { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
  {
    apiGroups: [''],
    resources: ['configmaps'],
    resourceNames: ['sallyport-trust-bundle'],
    verbs: ['get', 'update'],
  },
];

const authorityAtHome: readonly AccessRule[] = [
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
];

/** Roles and bindings of the webhook's account `sallyport-webhook` in `systemNamespace`. */
export function webhookAccess(systemNamespace: string): readonly AccessObject[] {
  return accessOf('sallyport-webhook', systemNamespace, webhookInCluster, webhookAtHome);
}

/** Roles and bindings of the authority's account `sallyport-authority` in `systemNamespace`. */
export function authorityAccess(systemNamespace: string): readonly AccessObject[] {
  return accessOf('sallyport-authority', systemNamespace, authorityInCluster, authorityAtHome);
}

function accessOf(
  account: string,
  namespace: string,
  inCluster: readonly AccessRule[],
  atHome: readonly AccessRule[],
): readonly AccessObject[] {
  const apiVersion = `${apiGroup}/v1`;
  const subjects = [{ kind: 'ServiceAccount', namespace, name: account }];
  return [
    { apiVersion, kind: 'ClusterRole', metadata: { name: account }, rules: inCluster },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name: account },
      roleRef: { apiGroup, kind: 'ClusterRole', name: account },
      subjects,
    },
    { apiVersion, kind: 'Role', metadata: { name: account, namespace }, rules: atHome },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata: { name: account, namespace },
      roleRef: { apiGroup, kind: 'Role', name: account },
      subjects,
    },
  ];
}
