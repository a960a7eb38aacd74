import type { JsonObject } from '../json.ts';

/** A controller that runs inside, by its account in kube-system, with what it may do. */
export interface ControllerRole {
  readonly name: string;
  readonly rules: readonly JsonObject[];
}

const of = (apiGroup: string, resources: readonly string[], verbs: readonly string[]): JsonObject => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
});
const read = ['get', 'list', 'watch'];
const events = of('', ['events'], ['create', 'get', 'patch', 'update']);

/** The least each needs, close to the real roles of the same names. */
export const controllerRoles: readonly ControllerRole[] = [
  {
    name: 'deployment-controller',
    rules: [
      of('apps', ['deployments'], [...read, 'update']),
      of('apps', ['deployments/status'], ['update']),
      of('apps', ['deployments/finalizers'], ['update']),
      of('apps', ['replicasets'], ['create', 'delete', 'patch', 'update', ...read]),
      of('', ['pods'], [...read, 'update']),
      events,
    ],
  },
  {
    name: 'replicaset-controller',
    rules: [
      of('apps', ['replicasets'], [...read, 'update']),
      of('apps', ['replicasets/status'], ['update']),
      of('apps', ['replicasets/finalizers'], ['update']),
      of('', ['pods'], ['create', 'delete', 'patch', ...read]),
      events,
    ],
  },
  {
    name: 'job-controller',
    rules: [
      of('batch', ['jobs'], [...read, 'patch', 'update']),
      of('batch', ['jobs/status'], ['patch', 'update']),
      of('batch', ['jobs/finalizers'], ['update']),
      of('', ['pods'], ['create', 'delete', 'patch', ...read]),
      events,
    ],
  },
  {
    name: 'endpointslice-controller',
    rules: [
      of('', ['nodes', 'pods', 'services'], read),
      of('', ['services/finalizers'], ['update']),
      of('discovery.k8s.io', ['endpointslices'], ['create', 'delete', 'get', 'list', 'update', 'watch']),
      events,
    ],
  },
  {
    name: 'namespace-controller',
    rules: [
      of('', ['namespaces'], ['delete', ...read]),
      of('', ['namespaces/finalize', 'namespaces/status'], ['update']),
      of('*', ['*'], ['delete', 'deletecollection', 'get', 'list']),
    ],
  },
  {
    name: 'generic-garbage-collector',
    rules: [of('*', ['*'], ['delete', 'get', 'list', 'patch', 'update', 'watch']), events],
  },
  {
    name: 'clusterrole-aggregation-controller',
    rules: [of('rbac.authorization.k8s.io', ['clusterroles'], ['escalate', 'get', 'list', 'patch', 'update', 'watch'])],
  },
  { name: 'service-account-controller', rules: [of('', ['serviceaccounts'], ['create']), events] },
  { name: 'root-ca-cert-publisher', rules: [of('', ['configmaps'], ['create', 'update']), events] },
];
