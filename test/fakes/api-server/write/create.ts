import { withDefaultsOf } from '../defaults/defaults.ts';
import { clusterAddress } from '../defaults/service.ts';
import { checkEscalation } from '../escalation.ts';
import { type JsonObject, listAt, textAt, withAt } from '../json.ts';
import { prepareCreate, timestamp } from '../metadata.ts';
import type { ApiResponse, Exchange } from '../request.ts';
import type { Services } from '../services.ts';
import { alreadyExists, internalError } from '../status.ts';
import { checkCreate } from '../validation.ts';
import { objectOfBody } from './body.ts';
import { managerOf, type Writer, withManagedFields } from './managed-fields.ts';
import { optionsOf } from './options.ts';

/** POST of a new object, in the real server's order: decode, default, mutate, name, validate, escalation, validating admission, store. */
export async function create(services: Services, exchange: Exchange): Promise<ApiResponse> {
  const body = objectOfBody(exchange);
  const stored = await createObject(services, exchange, body, (object) =>
    withManagedFields(exchange.resource, undefined, object, writerOf(services, exchange, 'Update')),
  );
  return { kind: 'json', code: 201, body: stored, warnings: exchange.warnings };
}

/** The same for an object that came by another way, such as an Apply. `manage` fills `managedFields`. */
export async function createObject(
  services: Services,
  exchange: Exchange,
  body: JsonObject,
  manage: (object: JsonObject) => JsonObject,
): Promise<JsonObject> {
  const { resource } = exchange;
  const defaulted = manage(withDefaultsOf(resource, withAt(body, ['metadata', 'managedFields'], undefined)));
  const name = textAt(defaulted, 'metadata', 'name');
  const call = {
    exchange,
    operation: 'CREATE' as const,
    name,
    oldObject: null,
    options: optionsOf(exchange, 'CreateOptions'),
  };
  const mutated = required(await services.admission.mutate(call, defaulted));
  checkEscalation(services.rbac, exchange.user, resource, mutated);
  const prepared = allocated(
    services,
    exchange,
    prepareCreate(resource, mutated, services.clock.now(), services.random),
  );
  checkCreate(resource, prepared);
  const finalName = textAt(prepared, 'metadata', 'name');
  await services.admission.validate({ ...call, name: finalName }, prepared);
  return exchange.isDryRun ? asIfStored(services, exchange, prepared) : store(services, exchange, prepared);
}

/** Who writes what, for `managedFields`. */
export function writerOf(services: Services, exchange: Exchange, operation: Writer['operation']): Writer {
  return {
    manager: managerOf(exchange.request.query.get('fieldManager') ?? '', exchange.request.userAgent),
    operation,
    time: timestamp(services.clock.now()),
    subresource: exchange.subresource,
  };
}

/** Admission never takes the object of a CREATE or UPDATE away. */
export function required(object: JsonObject | null): JsonObject {
  if (object === null) {
    throw internalError('admission lost the object');
  }
  return object;
}

function store(services: Services, exchange: Exchange, prepared: JsonObject): JsonObject {
  const stored = services.store.create(exchange.resource, prepared);
  if (stored === undefined) {
    throw alreadyExists(exchange.resource, textAt(prepared, 'metadata', 'name'));
  }
  return stored;
}

function asIfStored(services: Services, exchange: Exchange, prepared: JsonObject): JsonObject {
  const name = textAt(prepared, 'metadata', 'name');
  if (services.store.get(exchange.resource, exchange.namespace, name) !== undefined) {
    throw alreadyExists(exchange.resource, name);
  }
  return prepared;
}

/** A Service gets the next free cluster address; a Namespace the label of its name and the finalizer that empties it. */
function allocated(services: Services, exchange: Exchange, object: JsonObject): JsonObject {
  switch (exchange.resource.kind) {
    case 'Service':
      return textAt(object, 'spec', 'clusterIP') === '' && textAt(object, 'spec', 'type') !== 'ExternalName'
        ? withClusterAddress(object, freeAddress(services, exchange))
        : object;
    case 'Namespace': {
      const label = ['metadata', 'labels', 'kubernetes.io/metadata.name'];
      return withAt(withAt(object, label, textAt(object, 'metadata', 'name')), ['spec', 'finalizers'], ['kubernetes']);
    }
    default:
      return object;
  }
}

function withClusterAddress(service: JsonObject, address: string): JsonObject {
  return withAt(withAt(service, ['spec', 'clusterIP'], address), ['spec', 'clusterIPs'], [address]);
}

function freeAddress(services: Services, exchange: Exchange): string {
  const taken = new Set(
    services.store.list(exchange.resource).flatMap((service) => listAt(service, 'spec', 'clusterIPs')),
  );
  // Of a /16 the first address is the network's own.
  for (let index = 1; index < 65_535; index += 1) {
    if (!taken.has(clusterAddress(index))) {
      return clusterAddress(index);
    }
  }
  throw internalError('failed to allocate a serviceIP: range is full');
}
