import { isEqualJson, isList, isObject, type Json, type JsonObject, objectAt } from '../json.ts';

/*
 * Sets of fields in the form of `managedFields[].fieldsV1`: `f:<member>` for a member, `k:{"name":"app"}` for an item of a keyed list, `v:"x"` for a
 * value of a set, `.` for a map or item itself. The real server takes lists and maps from its OpenAPI schema; here the few that matter are named.
 */

/** Lists whose items are known by these members, by the list's name. Every other list is one value. */
export const listKeys: Readonly<Record<string, readonly (readonly string[])[]>> = {
  containers: [['name']],
  initContainers: [['name']],
  ephemeralContainers: [['name']],
  volumes: [['name']],
  env: [['name']],
  imagePullSecrets: [['name']],
  webhooks: [['name']],
  volumeMounts: [['mountPath']],
  conditions: [['type']],
  ownerReferences: [['uid']],
  ports: [
    ['containerPort', 'protocol'],
    ['port', 'protocol'],
  ],
};

const maps = new Set([
  'labels',
  'annotations',
  'data',
  'binaryData',
  'matchLabels',
  'nodeSelector',
  'limits',
  'requests',
]);
const atomic = new Set([
  'roleRef',
  'selector',
  'fieldRef',
  'secretKeyRef',
  'configMapKeyRef',
  'namespaceSelector',
  'objectSelector',
]);

/** The fields of an object that a manager can own. */
export function fieldsOf(object: JsonObject, without: readonly string[]): JsonObject {
  const { managedFields: _m, name: _n, namespace: _ns, uid: _u, ...metadata } = objectAt(object, 'metadata');
  const { creationTimestamp: _c, generation: _g, resourceVersion: _r, selfLink: _s, ...owned } = metadata;
  const { deletionTimestamp: _d, deletionGracePeriodSeconds: _dg, ...named } = owned;
  const { kind: _k, apiVersion: _a, metadata: _metadata, ...rest } = object;
  const kept = Object.fromEntries(Object.entries(rest).filter(([member]) => !without.includes(member)));
  return membersOf(Object.keys(named).length === 0 ? kept : { metadata: named, ...kept });
}

/** The identity of an item in a keyed list, or undefined when the list is one value. */
export function itemKey(list: string, item: Json): JsonObject | undefined {
  const keys = listKeys[list]?.find((candidates) => isObject(item) && item[candidates[0] ?? ''] !== undefined);
  if (keys === undefined || !isObject(item)) {
    return undefined;
  }
  // The one key member with a default: a port without a protocol is a TCP port.
  const complete: JsonObject = keys.includes('protocol') ? { protocol: 'TCP', ...item } : item;
  return Object.fromEntries(keys.filter((key) => complete[key] !== undefined).map((key) => [key, complete[key]]));
}

/** Fields in either set. */
export function union(left: JsonObject, right: JsonObject): JsonObject {
  const members = Object.keys({ ...left, ...right });
  return Object.fromEntries(members.map((member) => [member, union(objectAt(left, member), objectAt(right, member))]));
}

/** Fields of `left` that are not in `right`; a parent stays while something below it does. */
export function difference(left: JsonObject, right: JsonObject): JsonObject {
  const entries = Object.entries(left).flatMap(([member, below]): [string, Json][] => {
    if (!isObject(below) || right[member] === undefined) {
      return [[member, below ?? {}]];
    }
    const rest = difference(below, objectAt(right, member));
    return Object.keys(rest).length === 0 ? [] : [[member, rest]];
  });
  return Object.fromEntries(entries);
}

/** Fields of `left` that are in `right` too. */
export function intersection(left: JsonObject, right: JsonObject): JsonObject {
  const entries = Object.entries(left).flatMap(([member]): [string, Json][] =>
    right[member] === undefined ? [] : [[member, intersection(objectAt(left, member), objectAt(right, member))]],
  );
  return Object.fromEntries(entries);
}

/** Fields of `after` that `before` lacks or has otherwise. */
export function changedFields(before: JsonObject, after: JsonObject, without: readonly string[]): JsonObject {
  return changed(fieldsOf(after, without), before, after);
}

/** The object without these fields; items and maps that only held them go too. */
export function withoutFields(object: JsonObject, fields: JsonObject): JsonObject {
  const entries = Object.entries(object).flatMap(([member, value]): [string, Json | undefined][] => {
    const below = fields[`f:${member}`];
    if (!isObject(below)) {
      return [[member, value]];
    }
    return Object.keys(below).length === 0 ? [] : keptBelow(member, value, below);
  });
  return Object.fromEntries(entries);
}

function keptBelow(member: string, value: Json | undefined, fields: JsonObject): [string, Json | undefined][] {
  if (isList(value)) {
    const kept = value.flatMap((item): Json[] => {
      const below = fields[`k:${JSON.stringify(itemKey(member, item))}`];
      return !isObject(below) || !isObject(item)
        ? [item]
        : below['.'] === undefined
          ? [withoutFields(item, below)]
          : [];
    });
    return kept.length === 0 ? [] : [[member, kept]];
  }
  if (!isObject(value)) {
    return [[member, value]];
  }
  const rest = withoutFields(value, fields);
  return Object.keys(rest).length === 0 ? [] : [[member, rest]];
}

function changed(fields: JsonObject, before: Json | undefined, after: Json | undefined, list = ''): JsonObject {
  const entries = Object.entries(fields).flatMap(([member, below]): [string, Json][] => {
    if (member === '.') {
      return before === undefined ? [['.', {}]] : [];
    }
    const [old, now] = [valueOfStep(before, member, list), valueOfStep(after, member, list)];
    if (isEqualJson(old, now)) {
      return [];
    }
    const rest = isObject(below) ? changed(below, old, now, member.slice(2)) : {};
    return isObject(below) && Object.keys(below).length > 0 && Object.keys(rest).length === 0 ? [] : [[member, rest]];
  });
  return Object.fromEntries(entries);
}

/** The value a step of a field path leads to. */
function valueOfStep(value: Json | undefined, step: string, list: string): Json | undefined {
  if (step.startsWith('f:')) {
    return isObject(value) ? value[step.slice(2)] : undefined;
  }
  return isList(value) ? value.find((item) => `k:${JSON.stringify(itemKey(list, item))}` === step) : undefined;
}

function membersOf(object: JsonObject): JsonObject {
  const entries = Object.entries(object).flatMap(([member, value]): [string, Json][] =>
    value === undefined || value === null ? [] : [[`f:${member}`, fieldsBelow(member, value)]],
  );
  return Object.fromEntries(entries);
}

function fieldsBelow(member: string, value: Json): JsonObject {
  if (atomic.has(member)) {
    return {};
  }
  if (isList(value)) {
    return listFields(member, value);
  }
  if (!isObject(value)) {
    return {};
  }
  const below = membersOf(value);
  return maps.has(member) ? { '.': {}, ...below } : below;
}

function listFields(member: string, items: readonly Json[]): JsonObject {
  if (member === 'finalizers') {
    return Object.fromEntries([['.', {}], ...items.map((item): [string, Json] => [`v:${JSON.stringify(item)}`, {}])]);
  }
  const keyed = items.map((item) => ({ item, key: itemKey(member, item) }));
  if (keyed.length === 0 || keyed.some(({ key }) => key === undefined)) {
    return {};
  }
  const entries = keyed.map(({ item, key }): [string, Json] => [
    `k:${JSON.stringify(key)}`,
    { '.': {}, ...membersOf(isObject(item) ? item : {}) },
  ]);
  return Object.fromEntries(
    ['containers', 'initContainers', 'ephemeralContainers'].includes(member) ? entries : [['.', {}], ...entries],
  );
}
