import type { Json, JsonObject } from '../../../webhook/admission/request.ts';

export type { Json, JsonObject };

/** Is this JSON object (not a list, not null)? */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Is this a JSON list? Its items are JSON because only parsed JSON is ever asked. */
export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** `JSON.parse` as a value of type `Json`; throws `SyntaxError` on anything else. */
export function parseJson(text: string): Json {
  const value: unknown = JSON.parse(text);
  return requireJson(value);
}

/** A value that came from a parser of JSON or YAML, or from a typed client object: what has no JSON form (dates apart) is a programmer's mistake. */
export function requireJson(value: unknown): Json {
  if (isJsonShaped(value)) {
    return value;
  }
  throw new TypeError('not JSON');
}

/** The value below `path`, or undefined where a member is missing or its parent is no object. */
export function valueAt(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let current: Json | undefined = value;
  for (const member of path) {
    current = isObject(current) && Object.hasOwn(current, member) ? current[member] : undefined;
  }
  return current;
}

/** The object below `path`; empty where there is none. */
export function objectAt(value: Json | undefined, ...path: readonly string[]): JsonObject {
  const found = valueAt(value, ...path);
  return isObject(found) ? found : {};
}

/** The text below `path`; empty where there is none. */
export function textAt(value: Json | undefined, ...path: readonly string[]): string {
  const found = valueAt(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** The number below `path`, if there is one. */
export function numberAt(value: Json | undefined, ...path: readonly string[]): number | undefined {
  const found = valueAt(value, ...path);
  return typeof found === 'number' ? found : undefined;
}

/** The list below `path`; empty where there is none. */
export function listAt(value: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = valueAt(value, ...path);
  return isList(found) ? found : [];
}

/** The objects of the list below `path`. */
export function objectsAt(value: Json | undefined, ...path: readonly string[]): readonly JsonObject[] {
  return listAt(value, ...path).filter(isObject);
}

/** The texts of the list below `path`. */
export function textsAt(value: Json | undefined, ...path: readonly string[]): readonly string[] {
  return listAt(value, ...path).filter((item) => typeof item === 'string');
}

/** The members of the object below `path` whose values are texts, such as labels. */
export function textMapAt(value: Json | undefined, ...path: readonly string[]): ReadonlyMap<string, string> {
  const entries = Object.entries(objectAt(value, ...path));
  return new Map(entries.flatMap(([key, text]): [string, string][] => (typeof text === 'string' ? [[key, text]] : [])));
}

/** A copy with `value` below `path`; parents that are missing become objects. `undefined` takes the member away. */
export function withAt(object: JsonObject, path: readonly string[], value: Json | undefined): JsonObject {
  const [member, ...rest] = path;
  if (member === undefined) {
    throw new TypeError('a path has at least one member');
  }
  if (rest.length > 0) {
    return value === undefined && !isObject(object[member])
      ? object
      : { ...object, [member]: withAt(objectAt(object, member), rest, value) };
  }
  if (value === undefined) {
    const { [member]: _gone, ...others } = object;
    return others;
  }
  return { ...object, [member]: value };
}

/** Members of `defaults` that `object` lacks (absent or null), added behind its own. */
export function withDefaults(object: JsonObject, defaults: JsonObject): JsonObject {
  const missing = Object.entries(defaults).filter(
    ([member]) => object[member] === undefined || object[member] === null,
  );
  return missing.length === 0 ? object : { ...object, ...Object.fromEntries(missing) };
}

/** Equal as JSON: members in any order, an undefined member like an absent one. */
export function isEqualJson(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) {
    return true;
  }
  if (isList(left) && isList(right)) {
    return left.length === right.length && left.every((item, index) => isEqualJson(item, right[index]));
  }
  if (!isObject(left) || !isObject(right)) {
    return false;
  }
  const members = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...members].every((member) => isEqualJson(left[member], right[member]));
}

function isJsonShaped(value: unknown): value is Json {
  return value === null || ['string', 'number', 'boolean', 'object'].includes(typeof value);
}
