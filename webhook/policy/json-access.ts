import type { Json, JsonObject } from '../admission/request.ts';

/*
 * Reading JSON that nobody has validated. Every reader is total: a missing member and one of the wrong type look alike, and only own members count, so that
 * `__proto__` and `constructor` are data like any other.
 */

/** Whether `value` is a JSON object (no list, not null). */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** The member at the end of `path`, undefined when any step of it is not there. */
export function memberAt(value: Json | undefined, ...path: readonly (string | number)[]): Json | undefined {
  let current: Json | undefined = value;
  for (const step of path) {
    current = child(current, step);
    if (current === undefined) {
      return undefined;
    }
  }
  return current;
}

function child(value: Json | undefined, step: string | number): Json | undefined {
  if (isJsonObject(value)) {
    return Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return Array.isArray(value) && typeof step === 'number' ? listAt(value)[step] : undefined;
}

/** The object there, or undefined. */
export function objectAt(value: Json | undefined, ...path: readonly (string | number)[]): JsonObject | undefined {
  const found = memberAt(value, ...path);
  return isJsonObject(found) ? found : undefined;
}

/** The list there, or an empty one. */
export function listAt(value: Json | undefined, ...path: readonly (string | number)[]): readonly Json[] {
  const found = memberAt(value, ...path);
  return found !== undefined && found !== null && typeof found === 'object' && isList(found) ? found : [];
}

/** The text there, or undefined. */
export function textAt(value: Json | undefined, ...path: readonly (string | number)[]): string | undefined {
  const found = memberAt(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

/** The members of the object there; none when it is no object. */
export function entriesAt(
  value: Json | undefined,
  ...path: readonly (string | number)[]
): readonly (readonly [string, Json])[] {
  const found = objectAt(value, ...path);
  return found === undefined ? [] : Object.entries(found).filter(isThere);
}

const isThere = (entry: [string, Json | undefined]): entry is [string, Json] => entry[1] !== undefined;

const deepestCompared = 200;

/**
 * Equality of content: members in any order, lists in theirs; an absent member equals an undefined one. What is nested deeper than any object of Kubernetes
 * counts as different, so that no object can exhaust the stack.
 */
export function isSameJson(left: Json | undefined, right: Json | undefined): boolean {
  return isSame(left, right, 0);
}

function isSame(left: Json | undefined, right: Json | undefined, depth: number): boolean {
  if (left === right) {
    return true;
  }
  if (depth > deepestCompared) {
    return false;
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    const [ours, theirs] = [listAt(left), listAt(right)];
    return ours.length === theirs.length && ours.every((item, index) => isSame(item, theirs[index], depth + 1));
  }
  if (!isJsonObject(left) || !isJsonObject(right)) {
    return false;
  }
  const [ours, theirs] = [entriesAt(left), entriesAt(right)];
  return (
    ours.length === theirs.length && ours.every(([key, member]) => isSame(member, memberAt(right, key), depth + 1))
  );
}

/** The value that a JSON pointer (RFC 6901) names in `value`, undefined when there is none. */
export function resolvePointer(value: Json | undefined, pointer: string): Json | undefined {
  let current: Json | undefined = value;
  for (const segment of pointer === '' ? [] : pointer.slice(1).split('/')) {
    const step = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    current = Array.isArray(current) ? listAt(current)[indexOf(step)] : memberAt(current, step);
  }
  return current;
}

/** RFC 6901 section 4: digits without a leading zero; anything else names no element. */
function indexOf(step: string): number {
  return /^(0|[1-9][0-9]{0,9})$/.test(step) ? Number(step) : -1;
}
