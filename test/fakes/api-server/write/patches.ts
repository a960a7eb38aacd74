import jsonPatch, { type Operation } from 'fast-json-patch';
import { isEqualJson, isList, isObject, type Json, type JsonObject, requireJson } from '../json.ts';
import { ApiError, badRequest } from '../status.ts';
import { itemKey } from './fields.ts';

/** Media types of patches that are served. */
export const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** RFC 6902, all operations or none. */
export function applyJsonPatch(object: JsonObject, patch: Json): JsonObject {
  if (!isOperations(patch)) {
    throw badRequest('error decoding patch: a JSON patch is a list of operations');
  }
  const result = patched(object, patch);
  if (!isObject(result)) {
    throw new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
  }
  return result;
}

/** RFC 7386: null removes, objects merge, everything else replaces. */
export function applyMergePatch(object: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) {
    return patch;
  }
  const start = isObject(object) ? object : {};
  return Object.entries(patch).reduce((merged: JsonObject, [member, value]) => {
    const { [member]: old, ...others } = merged;
    return value === null || value === undefined ? others : { ...merged, [member]: applyMergePatch(old, value) };
  }, start);
}

/**
 * Strategic merge: as a merge patch, but the lists of fields.ts merge item by item, with `$patch: delete` on an item and `$patch: replace` in a list or
 * object. Directives `$retainKeys`, `$setElementOrder` and `$deleteFromPrimitiveList` are dropped without effect.
 */
export function applyStrategicMerge(object: Json | undefined, patch: Json, list = ''): Json {
  if (isList(patch)) {
    return isList(object) ? mergeList(object, patch, list) : patch.filter((item) => !isDirective(item));
  }
  if (!isObject(patch)) {
    return patch;
  }
  const { $patch: directive, ...rest } = patch;
  const start = isObject(object) && directive !== 'replace' ? object : {};
  return Object.entries(rest).reduce((merged: JsonObject, [member, value]) => {
    if (member.startsWith('$')) {
      return merged;
    }
    const { [member]: old, ...others } = merged;
    const isGone = value === null || value === undefined || (isObject(value) && value['$patch'] === 'delete');
    return isGone ? others : { ...merged, [member]: applyStrategicMerge(old, value, member) };
  }, start);
}

/** Server-side apply's merge: what is applied wins, keyed lists merge item by item, and nothing is removed (that is the caller's, by ownership). */
export function mergeApplied(live: Json | undefined, applied: Json, list = ''): Json {
  if (isList(applied)) {
    const isKeyed = applied.length > 0 && applied.every((item) => itemKey(list, item) !== undefined);
    return isList(live) && isKeyed ? mergeItems(live, applied, list, mergeApplied) : applied;
  }
  if (!isObject(applied)) {
    return applied;
  }
  const start = isObject(live) ? live : {};
  return Object.entries(applied).reduce(
    (merged: JsonObject, [member, value]) =>
      value === undefined ? merged : { ...merged, [member]: mergeApplied(merged[member], value, member) },
    start,
  );
}

type Merge = (old: Json | undefined, item: Json) => Json;

function mergeList(old: readonly Json[], patch: readonly Json[], list: string): Json {
  if (patch.some((item) => isObject(item) && item['$patch'] === 'replace')) {
    return patch.filter((item) => !isDirective(item));
  }
  const isKeyed = patch.every((item) => itemKey(list, item) !== undefined);
  if (!isKeyed) {
    return patch;
  }
  const deleted = patch
    .filter((item) => isObject(item) && item['$patch'] === 'delete')
    .map((item) => itemKey(list, item));
  const kept = old.filter((item) => !deleted.some((key) => sameKey(key, itemKey(list, item))));
  return mergeItems(
    kept,
    patch.filter((item) => !isDirective(item)),
    list,
    applyStrategicMerge,
  );
}

function mergeItems(old: readonly Json[], items: readonly Json[], list: string, merge: Merge): Json {
  const merged = old.map((item) => {
    const change = items.find((candidate) => sameKey(itemKey(list, candidate), itemKey(list, item)));
    return change === undefined ? item : merge(item, change);
  });
  const added = items.filter((item) => !old.some((known) => sameKey(itemKey(list, known), itemKey(list, item))));
  return [...merged, ...added];
}

/** Of two keys only the members that both have count: a patch may leave out the protocol of a port. */
function sameKey(left: JsonObject | undefined, right: JsonObject | undefined): boolean {
  if (left === undefined || right === undefined) {
    return false;
  }
  return Object.keys(left).every((member) => right[member] === undefined || isEqualJson(left[member], right[member]));
}

function isDirective(item: Json): boolean {
  return isObject(item) && typeof item['$patch'] === 'string';
}

function isOperations(patch: Json): patch is Json & Operation[] {
  return (
    isList(patch) &&
    patch.every((item) => isObject(item) && typeof item['op'] === 'string' && typeof item['path'] === 'string')
  );
}

function patched(object: JsonObject, operations: readonly Operation[]): Json {
  try {
    return requireJson(jsonPatch.applyPatch<unknown>(object, operations, true, false).newDocument);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    throw new ApiError(422, 'Invalid', `the server rejected our request due to an error in our request: ${why}`, {});
  }
}
