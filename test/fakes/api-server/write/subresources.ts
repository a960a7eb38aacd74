import { type JsonObject, listAt, numberAt, objectAt, textAt, textMapAt, valueAt, withAt } from '../json.ts';
import { timestamp } from '../metadata.ts';
import type { ApiResponse, Exchange } from '../request.ts';
import type { Services } from '../services.ts';
import { badRequest, conflict, notFound } from '../status.ts';
import { parseBody } from './body.ts';
import { updateObject } from './update.ts';

/** POST pods/binding: the scheduler's word on where a pod runs. A bound pod stays where it is (409). */
export async function bind(services: Services, exchange: Exchange): Promise<ApiResponse> {
  const node = textAt(parseBody(exchange), 'target', 'name');
  if (node === '') {
    throw badRequest('target.name: Required value');
  }
  await updateObject(services, { ...exchange, subresource: 'binding' }, (pod) => {
    if (textAt(pod, 'spec', 'nodeName') !== '') {
      throw conflict(
        exchange.resource,
        exchange.name,
        `pod ${exchange.name} is already assigned to node "${textAt(pod, 'spec', 'nodeName')}"`,
      );
    }
    const conditions = [...listAt(pod, 'status', 'conditions'), scheduledCondition(services.clock.now())];
    return withAt(withAt(pod, ['spec', 'nodeName'], node), ['status', 'conditions'], conditions);
  });
  return { kind: 'json', code: 201, body: success, warnings: exchange.warnings };
}

export const success: JsonObject = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

/** GET of `scale`. */
export function readScale(services: Services, exchange: Exchange): ApiResponse {
  const object = services.store.get(exchange.resource, exchange.namespace, exchange.name);
  if (object === undefined) {
    throw notFound(exchange.resource, exchange.name);
  }
  return { kind: 'json', code: 200, body: scaleOf(object), warnings: [] };
}

/** PUT of `scale`, or PATCH of it: only `spec.replicas` counts. */
export async function writeScale(services: Services, exchange: Exchange): Promise<ApiResponse> {
  const replicas = numberAt(parseBody(exchange), 'spec', 'replicas');
  if (replicas === undefined || replicas < 0) {
    throw badRequest('spec.replicas: Required value');
  }
  const stored = await updateObject(services, exchange, (object) => withAt(object, ['spec', 'replicas'], replicas));
  return { kind: 'json', code: 200, body: scaleOf(stored), warnings: exchange.warnings };
}

function scaleOf(object: JsonObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = objectAt(object, 'metadata');
  const labels = [...textMapAt(object, 'spec', 'selector', 'matchLabels')].map(([key, value]) => `${key}=${value}`);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: valueAt(object, 'spec', 'replicas') },
    status: { replicas: numberAt(object, 'status', 'replicas') ?? 0, selector: labels.join(',') },
  };
}

/** The condition the real server sets with a binding. */
function scheduledCondition(at: Date): JsonObject {
  return { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: timestamp(at) };
}
