import { withDefaultsOf } from '../defaults/defaults.ts';
import { checkEscalation } from '../escalation.ts';
import { isEqualJson, type JsonObject, listAt, objectAt, textAt, withAt } from '../json.ts';
import { prepareUpdate } from '../metadata.ts';
import type { ApiResponse, Exchange } from '../request.ts';
import type { Services } from '../services.ts';
import { badRequest, conflict, notFound } from '../status.ts';
import { checkUpdate } from '../validation.ts';
import { objectOfBody } from './body.ts';
import { required, writerOf } from './create.ts';
import { withManagedFields } from './managed-fields.ts';
import { optionsOf } from './options.ts';
import { onlyOfSubresource } from './subresource-part.ts';

/** What the object is to become, given what it is. Called again when the object changed meanwhile. */
export type Change = (existing: JsonObject) => JsonObject;

/** Fills `managedFields` of what an update leads to. */
export type Manage = (existing: JsonObject, desired: JsonObject) => JsonObject;

/** PUT: the object of the body replaces the stored one; a `resourceVersion` in it must be the newest (409). */
export async function replace(services: Services, exchange: Exchange): Promise<ApiResponse> {
  const body = objectOfBody(exchange);
  const name = textAt(body, 'metadata', 'name');
  if (name !== '' && name !== exchange.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${exchange.name})`);
  }
  const stored = await updateObject(services, exchange, () => body);
  return { kind: 'json', code: 200, body: stored, warnings: exchange.warnings };
}

/** As often as the real server tries before it gives a lost update back to the client. */
const attempts = 5;

/** One update through defaults, admission and validation into the store; a change that changes nothing is not written. */
export async function updateObject(
  services: Services,
  exchange: Exchange,
  change: Change,
  manage?: Manage,
): Promise<JsonObject> {
  const managed: Manage =
    manage ??
    ((existing, desired) =>
      withManagedFields(exchange.resource, existing, desired, writerOf(services, exchange, 'Update')));
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const existing = services.store.get(exchange.resource, exchange.namespace, exchange.name);
    if (existing === undefined) {
      throw notFound(exchange.resource, exchange.name);
    }
    const updated = await admitted(services, exchange, existing, change(existing), managed);
    const stored = exchange.isDryRun ? updated : commit(services, exchange, existing, updated);
    if (stored !== undefined) {
      return stored;
    }
  }
  throw conflict(exchange.resource, exchange.name);
}

async function admitted(
  services: Services,
  exchange: Exchange,
  existing: JsonObject,
  desired: JsonObject,
  manage: Manage,
): Promise<JsonObject> {
  const { resource, subresource } = exchange;
  checkPreconditions(exchange, existing, desired);
  const prepare = (object: JsonObject): JsonObject =>
    prepareUpdate(resource, existing, onlyOfSubresource(subresource, existing, object), subresource);
  const prepared = manage(existing, prepare(withDefaultsOf(resource, desired)));
  const options = optionsOf(exchange, 'UpdateOptions');
  const call = { exchange, operation: 'UPDATE' as const, name: exchange.name, oldObject: existing, options };
  const mutated = prepare(required(await services.admission.mutate(call, prepared)));
  if (subresource === '' && !isEqualJson(grants(existing), grants(mutated))) {
    checkEscalation(services.rbac, exchange.user, resource, mutated);
  }
  checkUpdate(resource, existing, mutated, subresource);
  await services.admission.validate(call, mutated);
  return mutated;
}

function checkPreconditions(exchange: Exchange, existing: JsonObject, desired: JsonObject): void {
  const version = textAt(desired, 'metadata', 'resourceVersion');
  if (version !== '' && version !== textAt(existing, 'metadata', 'resourceVersion')) {
    throw conflict(exchange.resource, exchange.name);
  }
  const uid = textAt(desired, 'metadata', 'uid');
  const present = textAt(existing, 'metadata', 'uid');
  if (uid !== '' && uid !== present) {
    throw conflict(
      exchange.resource,
      exchange.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${present}`,
    );
  }
}

function grants(object: JsonObject): JsonObject {
  return {
    rules: object['rules'],
    aggregationRule: object['aggregationRule'],
    subjects: object['subjects'],
    roleRef: object['roleRef'],
  };
}

/** Stores, or removes an object whose deletion waited for its last finalizer; undefined when somebody was faster. */
function commit(
  services: Services,
  exchange: Exchange,
  existing: JsonObject,
  updated: JsonObject,
): JsonObject | undefined {
  const { resource, namespace, name } = exchange;
  const version = textAt(existing, 'metadata', 'resourceVersion');
  if (isEqualJson(withoutTimes(existing), withoutTimes(updated))) {
    return existing;
  }
  return isReadyToGo(resource.kind, updated)
    ? services.store.remove(resource, namespace, name, version)
    : services.store.update(resource, updated, version);
}

function isReadyToGo(kind: string, object: JsonObject): boolean {
  const isEmptied =
    listAt(object, 'metadata', 'finalizers').length === 0 && listAt(object, 'spec', 'finalizers').length === 0;
  // A pod with a deletion time and no finalizer still waits for its kubelet.
  return textAt(object, 'metadata', 'deletionTimestamp') !== '' && isEmptied && kind !== 'Pod';
}

/** The times of `managedFields` alone are no change. */
function withoutTimes(object: JsonObject): JsonObject {
  const fields = listAt(objectAt(object, 'metadata'), 'managedFields');
  return withAt(
    object,
    ['metadata', 'managedFields'],
    fields.map((entry) => ({ ...objectAt({ entry }, 'entry'), time: '' })),
  );
}
