/*
 * What a manifest does not say and the API server knows: whether a kind lives in a namespace, and the order in which things are applied.
 */

const clusterKinds = new Set([
  'Namespace',
  'Node',
  'PersistentVolume',
  'ClusterRole.rbac.authorization.k8s.io',
  'ClusterRoleBinding.rbac.authorization.k8s.io',
  'CustomResourceDefinition.apiextensions.k8s.io',
  'APIService.apiregistration.k8s.io',
  'MutatingWebhookConfiguration.admissionregistration.k8s.io',
  'ValidatingWebhookConfiguration.admissionregistration.k8s.io',
  'ValidatingAdmissionPolicy.admissionregistration.k8s.io',
  'ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io',
  'StorageClass.storage.k8s.io',
  'CSIDriver.storage.k8s.io',
  'CSINode.storage.k8s.io',
  'VolumeAttachment.storage.k8s.io',
  'PriorityClass.scheduling.k8s.io',
  'RuntimeClass.node.k8s.io',
  'IngressClass.networking.k8s.io',
  'CertificateSigningRequest.certificates.k8s.io',
  'ClusterTrustBundle.certificates.k8s.io',
  'FlowSchema.flowcontrol.apiserver.k8s.io',
  'PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io',
  'Exemption.sallyport.dev',
  'TrustBundle.sallyport.dev',
]);

/** Groups whose namespaced kinds are all known, so that a kind without a namespace in the manifest goes to `default`. */
const builtInGroups = new Set([
  '',
  'apps',
  'batch',
  'autoscaling',
  'policy',
  'rbac.authorization.k8s.io',
  'networking.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
]);

const order = [
  'Namespace',
  'ServiceAccount',
  'Secret',
  'ConfigMap',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
];
const workloads = new Set([
  'Pod',
  'PodTemplate',
  'ReplicationController',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
]);

export interface KindName {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** `apps/v1` and `Deployment` as group, version and kind. */
export function kindName(apiVersion: string, kind: string): KindName {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion, kind }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), kind };
}

/**
 * Where an object goes: its own namespace, `default` for a namespaced kind that names none, empty for a cluster-scoped one. A custom kind nobody told us about
 * lives where its manifest says.
 */
export function namespaceOf({ group, kind }: KindName, written: string | undefined): string {
  if (clusterKinds.has(group === '' ? kind : `${kind}.${group}`)) {
    return '';
  }
  return written ?? (builtInGroups.has(group) ? 'default' : '');
}

/** Place in the order of application: namespaces, accounts, secrets, roles, bindings, everything else, workloads. */
export function applyRank({ kind }: KindName): number {
  const rank = order.indexOf(kind);
  return rank >= 0 ? rank : workloads.has(kind) ? order.length + 1 : order.length;
}

/** The resource name of a kind, for a request that no API server made. */
export function resourceOf({ kind }: KindName): string {
  const lower = kind.toLowerCase();
  return /(s|x|ch)$/.test(lower) ? `${lower}es` : lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}
