import type { Clock } from '../../../../runtime/clock.ts';
import type { RandomBytes } from '../../../../runtime/random.ts';
import { type JsonObject, textAt, withAt } from '../json.ts';
import { prepareCreate, timestamp } from '../metadata.ts';
import type { Registry } from '../resources.ts';
import type { Store } from '../storage.ts';
import { controllerRoles } from './controller-roles.ts';
import { bootstrapRbac } from './roles.ts';

/** Fills an empty store with what every cluster begins with; these objects pass no admission, as in the real server. */
export function bootstrap(
  world: { store: Store; registry: Registry; clock: Clock; random: RandomBytes },
  nodeName: string,
): void {
  const objects = [
    ...namespaces,
    ...controllerAccounts,
    ...bootstrapRbac(),
    kubernetesService,
    node(nodeName, timestamp(world.clock.now())),
  ];
  for (const object of objects) {
    const resource = world.registry.ofKind(textAt(object, 'apiVersion'), textAt(object, 'kind'));
    if (resource === undefined) {
      throw new TypeError(`no resource of kind ${textAt(object, 'kind')}`);
    }
    const prepared = prepareCreate(resource, object, world.clock.now(), world.random);
    const { status } = object;
    world.store.create(resource, status === undefined ? prepared : { ...prepared, status });
  }
}

const namespaces: readonly JsonObject[] = ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
  spec: { finalizers: ['kubernetes'] },
}));

const controllerAccounts: readonly JsonObject[] = controllerRoles.map(({ name }) => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: 'kube-system' },
}));

const kubernetesService: JsonObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
  spec: {
    type: 'ClusterIP',
    clusterIP: '127.96.0.1',
    clusterIPs: ['127.96.0.1'],
    ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
  },
};

function node(name: string, now: string): JsonObject {
  const resources = { cpu: '2', memory: '4Gi', pods: '110' };
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    message: 'a stand-in kubelet',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  return withAt(
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
      spec: {},
      status: {
        capacity: resources,
        allocatable: resources,
        conditions: [ready],
        nodeInfo: { kubeletVersion: 'v1.37.2-sallyport-fake' },
      },
    },
    ['status', 'addresses'],
    [
      { type: 'InternalIP', address: '127.0.0.1' },
      { type: 'Hostname', address: name },
    ],
  );
}
