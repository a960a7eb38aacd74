import { isEqualJson, type JsonObject, numberAt, objectAt, objectsAt, textAt, textMapAt } from '../json.ts';
import type { Store, StoredEvent } from '../storage.ts';
import type { Controller, ControllerWorld } from './controller.ts';
import { controlledBy, controllerReference, isDeleted, isReady, keyOf, splitKey } from './ownership.ts';

const services = { group: '', plural: 'services' };
const pods = { group: '', plural: 'pods' };
const slices = { group: 'discovery.k8s.io', plural: 'endpointslices' };

/** One EndpointSlice per Service with a selector, of the pods it selects that have an address; ready as their condition says. */
export const endpointSliceController: Controller = {
  name: 'endpointslice-controller',
  keysOf: (event, store) => {
    switch (event.resource) {
      case 'services':
        return [keyOf(event.object)];
      case 'pods':
        return servicesOf(event, store);
      default:
        return [];
    }
  },
  reconcile: async (key, world) => {
    const service = world.store.get(services, ...splitKey(key));
    const selector = textMapAt(service, 'spec', 'selector');
    if (service === undefined || isDeleted(service) || selector.size === 0) {
      return;
    }
    await writeSlice(world, service, sliceOf(world.store, service, selector));
  },
};

function servicesOf(event: StoredEvent, store: Store): readonly string[] {
  const seen = [event.object, ...(event.previous === undefined ? [] : [event.previous])];
  return store
    .list(services, textAt(event.object, 'metadata', 'namespace'))
    .filter((service) => seen.some((pod) => selects(textMapAt(service, 'spec', 'selector'), pod)))
    .map(keyOf);
}

function selects(selector: ReadonlyMap<string, string>, pod: JsonObject): boolean {
  const labels = textMapAt(pod, 'metadata', 'labels');
  return selector.size > 0 && [...selector].every(([key, value]) => labels.get(key) === value);
}

function sliceOf(store: Store, service: JsonObject, selector: ReadonlyMap<string, string>): JsonObject {
  const selected = store
    .list(pods, textAt(service, 'metadata', 'namespace'))
    .filter((pod) => selects(selector, pod) && textAt(pod, 'status', 'podIP') !== '')
    .filter((pod) => !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase')));
  const first = selected[0];
  return {
    addressType: 'IPv4',
    endpoints: selected.map((pod) => endpointOf(service, pod)),
    ports: objectsAt(service, 'spec', 'ports').flatMap((port) => portOf(port, first)),
  };
}

function endpointOf(service: JsonObject, pod: JsonObject): JsonObject {
  const isServing = isReady(pod);
  const isPublished = objectAt(service, 'spec')['publishNotReadyAddresses'] === true;
  return {
    addresses: [textAt(pod, 'status', 'podIP')],
    conditions: {
      ready: isPublished || (isServing && !isDeleted(pod)),
      serving: isServing,
      terminating: isDeleted(pod),
    },
    nodeName: textAt(pod, 'spec', 'nodeName'),
    targetRef: {
      kind: 'Pod',
      namespace: textAt(pod, 'metadata', 'namespace'),
      name: textAt(pod, 'metadata', 'name'),
      uid: textAt(pod, 'metadata', 'uid'),
    },
  };
}

/** A named target port is that of the first pod: pods of one Service that give one name different numbers are not told apart here. */
function portOf(port: JsonObject, pod: JsonObject | undefined): readonly JsonObject[] {
  const target = port['targetPort'];
  const named = [...objectsAt(pod, 'spec', 'containers'), ...objectsAt(pod, 'spec', 'initContainers')]
    .flatMap((container) => objectsAt(container, 'ports'))
    .find((candidate) => candidate['name'] === target);
  const number = typeof target === 'number' ? target : numberAt(named, 'containerPort');
  return number === undefined ? [] : [{ name: textAt(port, 'name'), port: number, protocol: textAt(port, 'protocol') }];
}

async function writeSlice(world: ControllerWorld, service: JsonObject, content: JsonObject): Promise<void> {
  const name = textAt(service, 'metadata', 'name');
  const path = `/apis/discovery.k8s.io/v1/namespaces/${textAt(service, 'metadata', 'namespace')}/endpointslices`;
  const known = controlledBy(world.store, slices, service)[0];
  if (known === undefined) {
    const labels = {
      'kubernetes.io/service-name': name,
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    };
    const metadata = { generateName: `${name}-`, labels, ownerReferences: [controllerReference(service)] };
    await world.client.create(path, { metadata, ...content });
    return;
  }
  const { endpoints, ports, addressType } = known;
  if (!isEqualJson({ addressType, endpoints, ports }, content)) {
    await world.client.replace(`${path}/${textAt(known, 'metadata', 'name')}`, { ...known, ...content });
  }
}
