import { isEqualJson, type Json, type JsonObject, numberAt, objectAt, objectsAt, textAt } from '../json.ts';
import { timestamp } from '../metadata.ts';
import { ApiError } from '../status.ts';
import type { Controller, ControllerWorld } from './controller.ts';
import {
  controlledBy,
  controllerReference,
  isActive,
  isDeleted,
  isReady,
  keyOf,
  ownerKeys,
  recordEvent,
  splitKey,
} from './ownership.ts';

const replicaSets = { group: 'apps', plural: 'replicasets' };
const pods = { group: '', plural: 'pods' };

/**
 * Keeps as many pods as a ReplicaSet asks for, one creation after the other. A refused creation becomes an Event, a `ReplicaFailure` condition with the
 * refusal's text, and another attempt later.
 */
export const replicaSetController: Controller = {
  name: 'replicaset-controller',
  keysOf: (event) => {
    if (event.resource === 'replicasets.apps') {
      return [keyOf(event.object)];
    }
    return event.resource === 'pods' ? ownerKeys(event.object, 'ReplicaSet') : [];
  },
  reconcile: async (key, world) => {
    const replicaSet = world.store.get(replicaSets, ...splitKey(key));
    if (replicaSet === undefined || isDeleted(replicaSet)) {
      return;
    }
    const active = controlledBy(world.store, pods, replicaSet).filter(isActive);
    const missing = (numberAt(replicaSet, 'spec', 'replicas') ?? 1) - active.length;
    const failure =
      missing > 0 ? await createPods(world, replicaSet, missing) : await deletePods(world, active, -missing);
    await updateStatus(world, key, failure);
    if (failure !== undefined) {
      throw failure;
    }
  },
};

async function createPods(
  world: ControllerWorld,
  replicaSet: JsonObject,
  count: number,
): Promise<ApiError | undefined> {
  for (let index = 0; index < count; index += 1) {
    try {
      const pod = await world.client.create(podsPath(replicaSet), podOf(replicaSet, 'spec', 'template'));
      await recordEvent(world, replicaSet, {
        ...by,
        type: 'Normal',
        reason: 'SuccessfulCreate',
        message: `Created pod: ${textAt(pod, 'metadata', 'name')}`,
      });
    } catch (error) {
      const failure = error instanceof ApiError ? error : new ApiError(500, 'InternalError', 'unknown');
      await recordEvent(world, replicaSet, {
        ...by,
        type: 'Warning',
        reason: 'FailedCreate',
        message: `Error creating: ${failure.message}`,
      });
      return failure;
    }
  }
  return undefined;
}

const by = { component: 'replicaset-controller' };

function podsPath(owner: JsonObject): string {
  return `/api/v1/namespaces/${textAt(owner, 'metadata', 'namespace')}/pods`;
}

/** The pod of a template, made for its owner. `path` leads to the template. */
export function podOf(owner: JsonObject, ...path: readonly string[]): JsonObject {
  const template = objectAt(owner, ...path);
  const metadata = {
    ...objectAt(template, 'metadata'),
    generateName: `${textAt(owner, 'metadata', 'name')}-`,
    ownerReferences: [controllerReference(owner)],
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: objectAt(template, 'spec') };
}

/** Those that serve nobody go first, then the youngest. */
async function deletePods(
  world: ControllerWorld,
  active: readonly JsonObject[],
  count: number,
): Promise<ApiError | undefined> {
  const rank = (pod: JsonObject): string => `${isReady(pod) ? 1 : 0}${textAt(pod, 'spec', 'nodeName') === '' ? 0 : 1}`;
  const age = (pod: JsonObject): number => Number(textAt(pod, 'metadata', 'resourceVersion'));
  const order = active.toSorted((left, right) => rank(left).localeCompare(rank(right)) || age(right) - age(left));
  for (const pod of order.slice(0, count)) {
    const uid = textAt(pod, 'metadata', 'uid');
    await world.client.remove(`${podsPath(pod)}/${textAt(pod, 'metadata', 'name')}`, { preconditions: { uid } });
  }
  return undefined;
}

async function updateStatus(world: ControllerWorld, key: string, failure: ApiError | undefined): Promise<void> {
  const replicaSet = world.store.get(replicaSets, ...splitKey(key));
  if (replicaSet === undefined) {
    return;
  }
  const active = controlledBy(world.store, pods, replicaSet).filter(isActive);
  const ready = active.filter(isReady).length;
  const conditions = failureConditions(replicaSet, failure, timestamp(world.clock.now()));
  const status: JsonObject = {
    replicas: active.length,
    ...(active.length > 0 ? { fullyLabeledReplicas: active.length } : {}),
    ...(ready > 0 ? { readyReplicas: ready, availableReplicas: ready } : {}),
    observedGeneration: numberAt(replicaSet, 'metadata', 'generation') ?? 1,
    ...(conditions.length > 0 ? { conditions } : {}),
  };
  if (!isEqualJson(status, replicaSet['status'])) {
    const [namespace, name] = splitKey(key);
    await world.client.replace(`/apis/apps/v1/namespaces/${namespace}/replicasets/${name}/status`, {
      ...replicaSet,
      status,
    });
  }
}

function failureConditions(replicaSet: JsonObject, failure: ApiError | undefined, now: string): readonly Json[] {
  if (failure === undefined) {
    return [];
  }
  const known = objectsAt(replicaSet, 'status', 'conditions').find(
    (condition) => condition['type'] === 'ReplicaFailure',
  );
  const lastTransitionTime = known?.['lastTransitionTime'] ?? now;
  return [
    { type: 'ReplicaFailure', status: 'True', lastTransitionTime, reason: 'FailedCreate', message: failure.message },
  ];
}
