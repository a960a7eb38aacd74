import { isObject, type JsonObject, objectAt, objectsAt, textAt, textsAt } from './json.ts';
import type { Named } from './status.ts';

/** One kind that is served, in its one version. */
export interface Resource extends Named {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly isNamespaced: boolean;
  /** `status` can be written only through the subresource, and the main resource ignores it. */
  readonly hasStatus: boolean;
  /** `metadata.generation` counts changes of everything but metadata and status. */
  readonly hasGeneration: boolean;
  /** Besides `status`. */
  readonly subresources: readonly string[];
  /** False for reviews, which are answered and forgotten. */
  readonly isStored: boolean;
}

/** The kinds served now; custom resources come and go with their definitions. */
export interface Registry {
  all(): readonly Resource[];
  /** The kind behind a path of the API. */
  find(group: string, version: string, plural: string): Resource | undefined;
  /** The kind of an object's `apiVersion` and `kind`. */
  ofKind(apiVersion: string, kind: string): Resource | undefined;
  /** Takes up, or replaces, the kind a CustomResourceDefinition describes. */
  define(definition: JsonObject): void;
  remove(definition: JsonObject): void;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(resource: { readonly group: string; readonly version: string }): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** The path of a kind's collection. `namespace` is ignored for cluster-scoped kinds; empty means all namespaces. */
export function collectionPath(resource: Resource, namespace: string): string {
  const root = resource.group === '' ? '/api' : '/apis';
  const inside = resource.isNamespaced && namespace !== '' ? `/namespaces/${namespace}` : '';
  return `${root}/${apiVersionOf(resource)}${inside}/${resource.plural}`;
}

/** The built-in kinds and the three of ours, which need no CustomResourceDefinition here. */
export function createRegistry(): Registry {
  const served = new Map<string, Resource>(builtIn.map((resource) => [keyOf(resource), resource]));
  return {
    all: () => [...served.values()],
    find: (group, version, plural) => served.get(`${group}/${version}/${plural}`),
    ofKind: (apiVersion, kind) =>
      [...served.values()].find(
        (resource) => apiVersionOf(resource) === apiVersion && resource.kind === kind && resource.isStored,
      ),
    define: (definition) => {
      for (const resource of resourcesOf(definition)) {
        served.set(keyOf(resource), resource);
      }
    },
    remove: (definition) => {
      for (const resource of resourcesOf(definition)) {
        served.delete(keyOf(resource));
      }
    },
  };
}

function keyOf(resource: Resource): string {
  return `${resource.group}/${resource.version}/${resource.plural}`;
}

/** Every served version becomes a kind of its own: there is no conversion between versions here. */
function resourcesOf(definition: JsonObject): readonly Resource[] {
  const names = objectAt(definition, 'spec', 'names');
  return objectsAt(definition, 'spec', 'versions')
    .filter((version) => version['served'] !== false)
    .map((version) => ({
      group: textAt(definition, 'spec', 'group'),
      version: textAt(version, 'name'),
      kind: textAt(names, 'kind'),
      plural: textAt(names, 'plural'),
      singular: textAt(names, 'singular') === '' ? textAt(names, 'kind').toLowerCase() : textAt(names, 'singular'),
      shortNames: textsAt(names, 'shortNames'),
      isNamespaced: textAt(definition, 'spec', 'scope') === 'Namespaced',
      hasStatus: isObject(objectAt(version, 'subresources')['status']),
      hasGeneration: true,
      subresources: [],
      isStored: true,
    }));
}

/**
 * A row of the table below: `group/version Kind plural flags shortNames`.
 * Flags: `n` namespaced, `s` status subresource, `g` generation, `r` a review that is not stored.
 */
function row(apiVersion: string, kind: string, plural: string, flags: string, more: Partial<Resource> = {}): Resource {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return {
    group: group ?? '',
    version: version ?? '',
    kind,
    plural,
    singular: kind.toLowerCase(),
    shortNames: [],
    isNamespaced: flags.includes('n'),
    hasStatus: flags.includes('s'),
    hasGeneration: flags.includes('g'),
    isStored: !flags.includes('r'),
    subresources: [],
    ...more,
  };
}

const rbac = 'rbac.authorization.k8s.io/v1';
const hooks = 'admissionregistration.k8s.io/v1';

const builtIn: readonly Resource[] = [
  row('v1', 'Namespace', 'namespaces', 's', { shortNames: ['ns'], subresources: ['finalize'] }),
  row('v1', 'Node', 'nodes', 's', { shortNames: ['no'] }),
  row('v1', 'Pod', 'pods', 'nsg', { shortNames: ['po'], subresources: ['binding', 'ephemeralcontainers', 'resize'] }),
  row('v1', 'Service', 'services', 'ns', { shortNames: ['svc'] }),
  row('v1', 'ServiceAccount', 'serviceaccounts', 'n', { shortNames: ['sa'], subresources: ['token'] }),
  row('v1', 'Secret', 'secrets', 'n'),
  row('v1', 'ConfigMap', 'configmaps', 'n', { shortNames: ['cm'] }),
  row('v1', 'Event', 'events', 'n', { shortNames: ['ev'] }),
  row('v1', 'PodTemplate', 'podtemplates', 'ng'),
  row('v1', 'ReplicationController', 'replicationcontrollers', 'nsg', { shortNames: ['rc'], subresources: ['scale'] }),
  row('apps/v1', 'Deployment', 'deployments', 'nsg', { shortNames: ['deploy'], subresources: ['scale'] }),
  row('apps/v1', 'ReplicaSet', 'replicasets', 'nsg', { shortNames: ['rs'], subresources: ['scale'] }),
  row('apps/v1', 'StatefulSet', 'statefulsets', 'nsg', { shortNames: ['sts'], subresources: ['scale'] }),
  row('apps/v1', 'DaemonSet', 'daemonsets', 'nsg', { shortNames: ['ds'] }),
  row('batch/v1', 'Job', 'jobs', 'nsg'),
  row('batch/v1', 'CronJob', 'cronjobs', 'nsg', { shortNames: ['cj'] }),
  row('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', 'ng'),
  row('coordination.k8s.io/v1', 'Lease', 'leases', 'n'),
  row('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', 'ng', { shortNames: ['netpol'] }),
  row(rbac, 'Role', 'roles', 'n'),
  row(rbac, 'RoleBinding', 'rolebindings', 'n'),
  row(rbac, 'ClusterRole', 'clusterroles', ''),
  row(rbac, 'ClusterRoleBinding', 'clusterrolebindings', ''),
  row(hooks, 'MutatingWebhookConfiguration', 'mutatingwebhookconfigurations', 'g'),
  row(hooks, 'ValidatingWebhookConfiguration', 'validatingwebhookconfigurations', 'g'),
  row('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', 'sg', {
    shortNames: ['crd'],
  }),
  row('authentication.k8s.io/v1', 'TokenReview', 'tokenreviews', 'r'),
  row('authentication.k8s.io/v1', 'SelfSubjectReview', 'selfsubjectreviews', 'r'),
  row('authorization.k8s.io/v1', 'SubjectAccessReview', 'subjectaccessreviews', 'r'),
  row('authorization.k8s.io/v1', 'SelfSubjectAccessReview', 'selfsubjectaccessreviews', 'r'),
  row('authorization.k8s.io/v1', 'LocalSubjectAccessReview', 'localsubjectaccessreviews', 'nr'),
  row('sallyport.dev/v1alpha1', 'Exemption', 'exemptions', 'sg'),
  row('sallyport.dev/v1alpha1', 'AccessPolicy', 'accesspolicies', 'nsg'),
  row('sallyport.dev/v1alpha1', 'TrustBundle', 'trustbundles', 'sg'),
];
