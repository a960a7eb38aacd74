import { forbiddenText } from '../authorization.ts';
import { isObject, type Json, type JsonObject, objectAt, textAt, withAt } from '../json.ts';
import { isAllowed } from '../rbac.ts';
import { type ApiResponse, attributesOf, type Exchange } from '../request.ts';
import type { Services } from '../services.ts';
import { badRequest, conflict, unsupportedMediaType } from '../status.ts';
import { ofPath, parseBody } from './body.ts';
import { createObject, writerOf } from './create.ts';
import { difference, fieldsOf, withoutFields } from './fields.ts';
import { appliedBefore, ownedByOthers, withManagedFields } from './managed-fields.ts';
import { applyJsonPatch, applyMergePatch, applyStrategicMerge, mergeApplied, patchTypes } from './patches.ts';
import { updateObject } from './update.ts';

/** PATCH in the four media types; the last of them, apply, creates what does not exist. */
export async function patch(services: Services, exchange: Exchange): Promise<ApiResponse> {
  const type = exchange.request.contentType.split(';')[0]?.trim() ?? '';
  if (type === patchTypes.apply) {
    return apply(services, exchange);
  }
  const change = changeOf(type, exchange);
  const stored = await updateObject(services, exchange, (existing) => {
    const changed = change(existing);
    if (!isObject(changed)) {
      throw badRequest('a patch must give an object');
    }
    return ofPath(exchange, changed);
  });
  return { kind: 'json', code: 200, body: stored, warnings: exchange.warnings };
}

function changeOf(type: string, exchange: Exchange): (existing: JsonObject) => Json {
  const body = parseBody(exchange);
  switch (type) {
    case patchTypes.json:
      return (existing) => applyJsonPatch(existing, body);
    case patchTypes.merge:
      return (existing) => applyMergePatch(existing, body);
    case patchTypes.strategic:
      return (existing) => applyStrategicMerge(existing, body);
    default:
      throw unsupportedMediaType(Object.values(patchTypes));
  }
}

/**
 * Server-side apply as far as we use it: what the manager applied before and leaves out now is removed unless another owns it, what it applies is
 * merged. There is no conflict between managers: every apply takes what it names, as if forced.
 */
async function apply(services: Services, exchange: Exchange): Promise<ApiResponse> {
  const { resource, request } = exchange;
  if ((request.query.get('fieldManager') ?? '') === '') {
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  }
  const applied = ofPath(exchange, parseBody({ request: { ...request, contentType: 'application/yaml' } }));
  const writer = writerOf(services, exchange, 'Apply');
  const named = withAt(applied, ['metadata', 'name'], exchange.name);
  if (services.store.get(resource, exchange.namespace, exchange.name) === undefined) {
    return createApplied(services, exchange, named, (object) =>
      withManagedFields(resource, undefined, object, writer, named),
    );
  }
  const stored = await updateObject(
    services,
    exchange,
    (existing) => {
      const dropped = difference(
        difference(appliedBefore(existing, writer), fieldsOf(named, [])),
        ownedByOthers(existing, writer),
      );
      return objectAt({ merged: mergeApplied(withoutFields(existing, dropped), named) }, 'merged');
    },
    (existing, desired) => withManagedFields(resource, existing, desired, writer, named),
  );
  return { kind: 'json', code: 200, body: stored, warnings: exchange.warnings };
}

async function createApplied(
  services: Services,
  exchange: Exchange,
  object: JsonObject,
  manage: (object: JsonObject) => JsonObject,
): Promise<ApiResponse> {
  if (textAt(object, 'metadata', 'uid') !== '') {
    throw conflict(
      exchange.resource,
      exchange.name,
      'uid mismatch: the provided object specified uid, and no existing object was found',
    );
  }
  const attributes = { ...attributesOf(exchange.request, exchange), verb: 'create' };
  if (!isAllowed(services.rbac, exchange.user, attributes)) {
    throw forbiddenText(exchange.user, attributes);
  }
  const body = await createObject(services, exchange, object, manage);
  return { kind: 'json', code: 201, body, warnings: exchange.warnings };
}
