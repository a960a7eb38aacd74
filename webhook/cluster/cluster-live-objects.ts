import type { Clock } from '../../runtime/clock.ts';
import { ClusterFailure } from '../../runtime/cluster/cluster-failure.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { AdmissionFailure } from '../admission/failures.ts';
import type { LiveObjects, ObjectName } from '../admission/ports.ts';
import type { JsonObject } from '../admission/request.ts';
import { isObject } from './objects.ts';

/** The kinds that built-in controllers own pods by. Nothing else is read: a path is never made of a user's words alone. */
const collections: ReadonlyMap<string, (namespace: string) => string> = new Map(
  [
    ['v1/ReplicationController', '/api/v1', 'replicationcontrollers'],
    ['apps/v1/Deployment', '/apis/apps/v1', 'deployments'],
    ['apps/v1/ReplicaSet', '/apis/apps/v1', 'replicasets'],
    ['apps/v1/StatefulSet', '/apis/apps/v1', 'statefulsets'],
    ['apps/v1/DaemonSet', '/apis/apps/v1', 'daemonsets'],
    ['batch/v1/Job', '/apis/batch/v1', 'jobs'],
    ['batch/v1/CronJob', '/apis/batch/v1', 'cronjobs'],
  ].map(([kind = '', root = '', resource = '']) => [
    kind,
    (namespace: string) => `${root}/namespaces/${encodeURIComponent(namespace)}/${resource}`,
  ]),
);

const cachedMs = 10_000;
const mostCached = 2_000;

/**
 * Owners by GET, found ones kept for 10 s. What does not exist is asked for each time: it may be about to. Rejects with `dependency`.
 */
export function clusterLiveObjects(api: ClusterApi, clock: Clock): LiveObjects {
  const cached = new Map<string, { readonly object: JsonObject; readonly untilMs: number }>();
  return {
    async find(name) {
      const path = pathOf(name);
      if (path === undefined) {
        return undefined;
      }
      const held = cached.get(path);
      if (held !== undefined && clock.monotonicMs() < held.untilMs) {
        return held.object;
      }
      const object = await read(api, path);
      cached.delete(path);
      if (object !== undefined) {
        cached.set(path, { object, untilMs: clock.monotonicMs() + cachedMs });
        evict(cached);
      }
      return object;
    },
  };
}

function pathOf({ apiVersion, kind, namespace, name }: ObjectName): string | undefined {
  const collection = collections.get(`${apiVersion}/${kind}`);
  return collection === undefined ? undefined : `${collection(namespace)}/${encodeURIComponent(name)}`;
}

async function read(api: ClusterApi, path: string): Promise<JsonObject | undefined> {
  try {
    const object = await api.get(path);
    return isObject(object) ? object : undefined;
  } catch (error) {
    if (error instanceof ClusterFailure && error.code === 'not-found') {
      return undefined;
    }
    throw new AdmissionFailure('dependency', { cause: error });
  }
}

/** A Map remembers the order of insertion, so its first entry is the oldest. */
function evict(cached: Map<string, unknown>): void {
  const oldest = cached.size > mostCached ? cached.keys().next().value : undefined;
  if (oldest !== undefined) {
    cached.delete(oldest);
  }
}
