import { isObject, type JsonObject, listAt, numberAt, textAt, valueAt, withAt } from '../json.ts';
import { timestamp } from '../metadata.ts';
import type { ApiResponse, Exchange } from '../request.ts';
import { apiVersionOf } from '../resources.ts';
import type { Services } from '../services.ts';
import { conflict, forbidden, isApiError, notFound } from '../status.ts';
import { selectorOf } from '../watch.ts';
import { parseBody } from './body.ts';
import { optionsOf } from './options.ts';

/** DELETE of one object: at once, or by a deletion time where a kubelet, a finalizer or the namespace's content has to go first. */
export async function remove(services: Services, exchange: Exchange): Promise<ApiResponse> {
  const options = deleteOptions(exchange);
  const { object, isGone } = await removeObject(services, exchange, options);
  const body = isGone && exchange.resource.kind !== 'Pod' ? deletedStatus(exchange, object) : object;
  return { kind: 'json', code: 200, body, warnings: exchange.warnings };
}

/** DELETE of a collection: each object that is selected, with an admission of its own. */
export async function removeCollection(services: Services, exchange: Exchange): Promise<ApiResponse> {
  const options = deleteOptions(exchange);
  const selected = services.store.list(exchange.resource, exchange.namespace).filter(selectorOf(exchange));
  const items: JsonObject[] = [];
  for (const object of selected) {
    const name = textAt(object, 'metadata', 'name');
    const namespace = textAt(object, 'metadata', 'namespace');
    try {
      items.push((await removeObject(services, { ...exchange, name, namespace }, options)).object);
    } catch (error) {
      if (!isApiError(error, 404)) {
        throw error;
      }
    }
  }
  const list = {
    kind: `${exchange.resource.kind}List`,
    apiVersion: apiVersionOf(exchange.resource),
    metadata: {},
    items,
  };
  return { kind: 'json', code: 200, body: list, warnings: exchange.warnings };
}

interface Removed {
  readonly object: JsonObject;
  readonly isGone: boolean;
}

async function removeObject(services: Services, exchange: Exchange, options: JsonObject): Promise<Removed> {
  const { resource, namespace, name } = exchange;
  for (;;) {
    const existing = services.store.get(resource, namespace, name);
    if (existing === undefined) {
      throw notFound(resource, name);
    }
    checkDeletable(exchange, existing, options);
    const call = { exchange, operation: 'DELETE' as const, name, oldObject: existing, options };
    await services.admission.mutate(call, null);
    await services.admission.validate(call, null);
    const removed = exchange.isDryRun
      ? { object: existing, isGone: true }
      : commit(services, exchange, existing, options);
    if (removed !== undefined) {
      return removed;
    }
  }
}

function checkDeletable(exchange: Exchange, existing: JsonObject, options: JsonObject): void {
  const { resource, name } = exchange;
  if (resource.kind === 'Namespace' && immortal.has(name)) {
    throw forbidden(resource, name, 'this namespace may not be deleted');
  }
  for (const [member, label] of [
    ['uid', 'UID'],
    ['resourceVersion', 'ResourceVersion'],
  ] as const) {
    const wanted = textAt(options, 'preconditions', member);
    const present = textAt(existing, 'metadata', member);
    if (wanted !== '' && wanted !== present) {
      throw conflict(
        resource,
        name,
        `Precondition failed: ${label} in precondition: ${wanted}, ${label} in object meta: ${present}`,
      );
    }
  }
}

const immortal = new Set(['default', 'kube-system', 'kube-public']);

function commit(
  services: Services,
  exchange: Exchange,
  existing: JsonObject,
  options: JsonObject,
): Removed | undefined {
  const { resource, namespace, name } = exchange;
  const version = textAt(existing, 'metadata', 'resourceVersion');
  const grace = graceSeconds(services, exchange, existing, options);
  const mustWait =
    listAt(existing, 'metadata', 'finalizers').length > 0 || listAt(existing, 'spec', 'finalizers').length > 0;
  if (grace === 0 && !mustWait) {
    const object = services.store.remove(resource, namespace, name, version);
    return object === undefined ? undefined : { object, isGone: true };
  }
  const dying = terminating(services, exchange, existing, grace);
  if (dying === existing) {
    return { object: existing, isGone: false };
  }
  const object = services.store.update(resource, dying, version);
  return object === undefined ? undefined : { object, isGone: false };
}

/** Only a pod that has been bound to a node and runs there has a grace period; a second DELETE may only shorten it. */
function graceSeconds(services: Services, exchange: Exchange, existing: JsonObject, options: JsonObject): number {
  const isFinished = ['Succeeded', 'Failed'].includes(textAt(existing, 'status', 'phase'));
  if (
    exchange.resource.kind !== 'Pod' ||
    services.kubelet === 'absent' ||
    isFinished ||
    textAt(existing, 'spec', 'nodeName') === ''
  ) {
    return 0;
  }
  return numberAt(options, 'gracePeriodSeconds') ?? numberAt(existing, 'spec', 'terminationGracePeriodSeconds') ?? 30;
}

function terminating(services: Services, exchange: Exchange, existing: JsonObject, grace: number): JsonObject {
  const before = numberAt(existing, 'metadata', 'deletionGracePeriodSeconds');
  const isAlready = textAt(existing, 'metadata', 'deletionTimestamp') !== '';
  if (isAlready && (before === undefined || grace >= before)) {
    return existing;
  }
  const at = timestamp(new Date(services.clock.now().getTime() + grace * 1000));
  const generation = numberAt(existing, 'metadata', 'generation');
  const marked = [
    ['deletionTimestamp', at] as const,
    ['deletionGracePeriodSeconds', grace] as const,
    ...(generation === undefined ? [] : [['generation', generation + 1] as const]),
  ].reduce((object: JsonObject, [member, value]) => withAt(object, ['metadata', member], value), existing);
  return exchange.resource.kind === 'Namespace' ? withAt(marked, ['status', 'phase'], 'Terminating') : marked;
}

function deleteOptions(exchange: Exchange): JsonObject {
  const { body, query } = exchange.request;
  const parsed = body === '' ? {} : parseBody(exchange);
  const { kind: _kind, apiVersion: _version, ...given } = isObject(parsed) ? parsed : {};
  const grace = query.get('gracePeriodSeconds');
  const propagationPolicy = query.get('propagationPolicy');
  return optionsOf(exchange, 'DeleteOptions', {
    ...given,
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(propagationPolicy === null ? {} : { propagationPolicy }),
  });
}

function deletedStatus(exchange: Exchange, object: JsonObject): JsonObject {
  const { group, plural } = exchange.resource;
  const details = {
    name: exchange.name,
    ...(group === '' ? {} : { group }),
    kind: plural,
    uid: valueAt(object, 'metadata', 'uid'),
  };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}
