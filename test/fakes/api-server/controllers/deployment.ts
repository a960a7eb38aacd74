import { isEqualJson, type Json, type JsonObject, numberAt, objectAt, objectsAt, textAt, withAt } from '../json.ts';
import { timestamp } from '../metadata.ts';
import { isApiError } from '../status.ts';
import type { Controller, ControllerWorld } from './controller.ts';
import { controlledBy, controllerReference, isDeleted, keyOf, ownerKeys, shortHash, splitKey } from './ownership.ts';
import { nextReplicas, type Share, strategyOf } from './rollout.ts';

const deployments = { group: 'apps', plural: 'deployments' };
const replicaSets = { group: 'apps', plural: 'replicasets' };
const pods = { group: '', plural: 'pods' };
const hashLabel = 'pod-template-hash';
const revisionAnnotation = 'deployment.kubernetes.io/revision';

/** One ReplicaSet per pod template of a Deployment, rolled from the old ones to the new within the strategy's bounds. */
export const deploymentController: Controller = {
  name: 'deployment-controller',
  keysOf: (event) => {
    if (event.resource === 'deployments.apps') {
      return [keyOf(event.object)];
    }
    return event.resource === 'replicasets.apps' ? ownerKeys(event.object, 'Deployment') : [];
  },
  reconcile: async (key, world) => {
    const deployment = world.store.get(deployments, ...splitKey(key));
    if (deployment === undefined || isDeleted(deployment)) {
      return;
    }
    const hash = templateHash(deployment);
    await ensureReplicaSet(world, deployment, hash);
    await roll(world, deployment, hash);
    await prune(world, deployment, hash);
    await updateStatus(world, key, hash);
  },
};

function templateHash(deployment: JsonObject): string {
  return shortHash(JSON.stringify(objectAt(deployment, 'spec', 'template')), 9);
}

function isOfHash(replicaSet: JsonObject, hash: string): boolean {
  return textAt(replicaSet, 'metadata', 'labels', hashLabel) === hash;
}

function replicaSetsPath(deployment: JsonObject): string {
  return `/apis/apps/v1/namespaces/${textAt(deployment, 'metadata', 'namespace')}/replicasets`;
}

async function ensureReplicaSet(world: ControllerWorld, deployment: JsonObject, hash: string): Promise<void> {
  const known = controlledBy(world.store, replicaSets, deployment);
  const revision = String(1 + Math.max(0, ...known.map((replicaSet) => revisionOf(replicaSet))));
  const current = known.find((replicaSet) => isOfHash(replicaSet, hash));
  if (current === undefined) {
    await world.client
      .create(replicaSetsPath(deployment), newReplicaSet(deployment, hash, revision))
      .catch((error: unknown) => {
        // Our own view may lag behind the last write of ours.
        if (!isApiError(error, 409)) {
          throw error;
        }
      });
    return;
  }
  const isNewest = known.every((replicaSet) => replicaSet === current || revisionOf(replicaSet) < revisionOf(current));
  if (!isNewest) {
    const body = withAt(current, ['metadata', 'annotations', revisionAnnotation], revision);
    await world.client.replace(`${replicaSetsPath(deployment)}/${textAt(current, 'metadata', 'name')}`, body);
  }
}

function revisionOf(replicaSet: JsonObject): number {
  return Number(textAt(replicaSet, 'metadata', 'annotations', revisionAnnotation));
}

function newReplicaSet(deployment: JsonObject, hash: string, revision: string): JsonObject {
  const template = withAt(objectAt(deployment, 'spec', 'template'), ['metadata', 'labels', hashLabel], hash);
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${textAt(deployment, 'metadata', 'name')}-${hash}`,
      namespace: textAt(deployment, 'metadata', 'namespace'),
      labels: objectAt(template, 'metadata', 'labels'),
      annotations: { ...objectAt(deployment, 'metadata', 'annotations'), [revisionAnnotation]: revision },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: 0,
      selector: withAt(objectAt(deployment, 'spec', 'selector'), ['matchLabels', hashLabel], hash),
      template,
    },
  };
}

async function roll(world: ControllerWorld, deployment: JsonObject, hash: string): Promise<void> {
  const known = controlledBy(world.store, replicaSets, deployment);
  const shares = known.map((replicaSet) => shareOf(world, replicaSet, hash));
  const wanted = nextReplicas(strategyOf(deployment), shares);
  for (const replicaSet of known) {
    const replicas = wanted.get(textAt(replicaSet, 'metadata', 'name'));
    if (replicas !== undefined && replicas !== numberAt(replicaSet, 'spec', 'replicas')) {
      const path = `${replicaSetsPath(deployment)}/${textAt(replicaSet, 'metadata', 'name')}`;
      await world.client.replace(path, withAt(replicaSet, ['spec', 'replicas'], replicas));
    }
  }
}

function shareOf(world: ControllerWorld, replicaSet: JsonObject, hash: string): Share {
  return {
    name: textAt(replicaSet, 'metadata', 'name'),
    isNew: isOfHash(replicaSet, hash),
    replicas: numberAt(replicaSet, 'spec', 'replicas') ?? 1,
    available: numberAt(replicaSet, 'status', 'availableReplicas') ?? 0,
    present: controlledBy(world.store, pods, replicaSet).length,
  };
}

/** Old ReplicaSets without pods, beyond the history limit, oldest first. */
async function prune(world: ControllerWorld, deployment: JsonObject, hash: string): Promise<void> {
  const empty = controlledBy(world.store, replicaSets, deployment)
    .filter((replicaSet) => !isOfHash(replicaSet, hash) && numberAt(replicaSet, 'spec', 'replicas') === 0)
    .filter((replicaSet) => (numberAt(replicaSet, 'status', 'replicas') ?? 0) === 0)
    .toSorted((left, right) => revisionOf(left) - revisionOf(right));
  const surplus = Math.max(0, empty.length - (numberAt(deployment, 'spec', 'revisionHistoryLimit') ?? 10));
  for (const replicaSet of empty.slice(0, surplus)) {
    await world.client.remove(`${replicaSetsPath(deployment)}/${textAt(replicaSet, 'metadata', 'name')}`);
  }
}

async function updateStatus(world: ControllerWorld, key: string, hash: string): Promise<void> {
  const deployment = world.store.get(deployments, ...splitKey(key));
  if (deployment === undefined) {
    return;
  }
  const known = controlledBy(world.store, replicaSets, deployment);
  const total = (member: string, of: readonly JsonObject[] = known): number =>
    of.reduce((sum, replicaSet) => sum + (numberAt(replicaSet, 'status', member) ?? 0), 0);
  const current = known.filter((replicaSet) => isOfHash(replicaSet, hash));
  const wanted = numberAt(deployment, 'spec', 'replicas') ?? 1;
  const counts: readonly (readonly [string, number])[] = [
    ['replicas', total('replicas')],
    ['updatedReplicas', total('replicas', current)],
    ['readyReplicas', total('readyReplicas')],
    ['availableReplicas', total('availableReplicas')],
    ['unavailableReplicas', Math.max(0, wanted - total('availableReplicas'))],
  ];
  const status: JsonObject = {
    observedGeneration: numberAt(deployment, 'metadata', 'generation') ?? 1,
    ...Object.fromEntries(counts.filter(([, count]) => count > 0)),
    conditions: conditionsOf(
      deployment,
      known,
      { wanted, available: total('availableReplicas'), updated: total('replicas', current) },
      timestamp(world.clock.now()),
    ),
  };
  if (!isEqualJson(status, deployment['status'])) {
    const [namespace, name] = splitKey(key);
    await world.client.replace(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}/status`, {
      ...deployment,
      status,
    });
  }
}

function conditionsOf(
  deployment: JsonObject,
  known: readonly JsonObject[],
  counts: { readonly wanted: number; readonly available: number; readonly updated: number },
  now: string,
): readonly Json[] {
  const minimum = counts.wanted - strategyOf(deployment).maxUnavailable;
  const isAvailable = counts.available >= minimum;
  const isComplete = counts.available >= counts.wanted && counts.updated >= counts.wanted;
  const failures = known
    .flatMap((replicaSet) => objectsAt(replicaSet, 'status', 'conditions'))
    .filter((condition) => condition['type'] === 'ReplicaFailure');
  const fresh: readonly JsonObject[] = [
    {
      type: 'Available',
      status: isAvailable ? 'True' : 'False',
      reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
      message: isAvailable ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
    },
    {
      type: 'Progressing',
      status: 'True',
      reason: isComplete ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
      message: isComplete ? 'ReplicaSet has successfully progressed.' : 'ReplicaSet is progressing.',
    },
    ...failures.slice(0, 1).map(({ type, status, reason, message }) => ({ type, status, reason, message })),
  ];
  return fresh.map((condition) => withTimes(deployment, condition, now));
}

/** Times move only when the condition does. */
function withTimes(deployment: JsonObject, condition: JsonObject, now: string): JsonObject {
  const known = objectsAt(deployment, 'status', 'conditions').find(
    (candidate) => candidate['type'] === condition['type'],
  );
  const isSame =
    known !== undefined && known['status'] === condition['status'] && known['message'] === condition['message'];
  const lastTransitionTime = known?.['status'] === condition['status'] ? (known?.['lastTransitionTime'] ?? now) : now;
  return { ...condition, lastUpdateTime: isSame ? (known['lastUpdateTime'] ?? now) : now, lastTransitionTime };
}
