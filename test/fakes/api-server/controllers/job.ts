import { isEqualJson, type Json, type JsonObject, numberAt, objectAt, objectsAt, textAt, withAt } from '../json.ts';
import { timestamp } from '../metadata.ts';
import { ApiError } from '../status.ts';
import type { Controller, ControllerWorld } from './controller.ts';
import { controlledBy, isActive, isDeleted, keyOf, ownerKeys, recordEvent, splitKey } from './ownership.ts';
import { podOf } from './replicaset.ts';

const jobs = { group: 'batch', plural: 'jobs' };
const pods = { group: '', plural: 'pods' };

/** Runs a Job's pods until enough have succeeded or more than `backoffLimit` have failed. No indexes, no deadline, no success policy. */
export const jobController: Controller = {
  name: 'job-controller',
  keysOf: (event) => {
    if (event.resource === 'jobs.batch') {
      return [keyOf(event.object)];
    }
    return event.resource === 'pods' ? ownerKeys(event.object, 'Job') : [];
  },
  reconcile: async (key, world) => {
    const job = world.store.get(jobs, ...splitKey(key));
    if (job === undefined || isDeleted(job) || isFinished(job)) {
      return;
    }
    const counts = countsOf(world, job);
    const failure = objectAt(job, 'spec')['suspend'] === true ? undefined : await createMissing(world, job, counts);
    await updateStatus(world, job);
    if (failure !== undefined) {
      throw failure;
    }
  },
};

interface Counts {
  readonly active: number;
  readonly succeeded: number;
  readonly failed: number;
}

function countsOf(world: ControllerWorld, job: JsonObject): Counts {
  const owned = controlledBy(world.store, pods, job);
  const inPhase = (phase: string): number => owned.filter((pod) => textAt(pod, 'status', 'phase') === phase).length;
  return { active: owned.filter(isActive).length, succeeded: inPhase('Succeeded'), failed: inPhase('Failed') };
}

async function createMissing(world: ControllerWorld, job: JsonObject, counts: Counts): Promise<ApiError | undefined> {
  if (verdictOf(job, counts) !== undefined) {
    return undefined;
  }
  const left = (numberAt(job, 'spec', 'completions') ?? 1) - counts.succeeded;
  const wanted = Math.min(numberAt(job, 'spec', 'parallelism') ?? 1, left) - counts.active;
  const name = textAt(job, 'metadata', 'name');
  for (let index = 0; index < wanted; index += 1) {
    const pod = podOf(job, 'spec', 'template');
    const labels = { ...objectAt(pod, 'metadata', 'labels'), ...jobLabels(job, name) };
    try {
      await world.client.create(
        `/api/v1/namespaces/${textAt(job, 'metadata', 'namespace')}/pods`,
        withAt(pod, ['metadata', 'labels'], labels),
      );
    } catch (error) {
      const failure = error instanceof ApiError ? error : new ApiError(500, 'InternalError', 'unknown');
      const message = `Error creating: ${failure.message}`;
      await recordEvent(world, job, { type: 'Warning', reason: 'FailedCreate', message, component: 'job-controller' });
      return failure;
    }
  }
  return undefined;
}

function jobLabels(job: JsonObject, name: string): Readonly<Record<string, string>> {
  const uid = textAt(job, 'metadata', 'uid');
  return {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
}

function verdictOf(job: JsonObject, counts: Counts): 'Complete' | 'Failed' | undefined {
  if (counts.succeeded >= (numberAt(job, 'spec', 'completions') ?? 1)) {
    return 'Complete';
  }
  return counts.failed > (numberAt(job, 'spec', 'backoffLimit') ?? 6) ? 'Failed' : undefined;
}

function isFinished(job: JsonObject): boolean {
  return objectsAt(job, 'status', 'conditions').some((condition) =>
    ['Complete', 'Failed'].includes(textAt(condition, 'type')),
  );
}

async function updateStatus(world: ControllerWorld, job: JsonObject): Promise<void> {
  const counts = countsOf(world, job);
  const now = timestamp(world.clock.now());
  const started = textAt(job, 'status', 'startTime');
  const verdict = verdictOf(job, counts);
  const conditions: readonly Json[] =
    verdict === undefined ? [] : [{ type: verdict, status: 'True', lastProbeTime: now, lastTransitionTime: now }];
  const numbers = Object.entries(counts).filter(([, count]) => count > 0);
  const status: JsonObject = {
    startTime: started === '' ? now : started,
    ...Object.fromEntries(numbers),
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(verdict === 'Complete' ? { completionTime: now } : {}),
  };
  if (!isEqualJson(status, job['status'])) {
    const [namespace, name] = splitKey(keyOf(job));
    await world.client.replace(`/apis/batch/v1/namespaces/${namespace}/jobs/${name}/status`, { ...job, status });
  }
}
