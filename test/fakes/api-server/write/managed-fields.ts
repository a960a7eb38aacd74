import { isEqualJson, type JsonObject, objectAt, objectsAt, textAt, withAt } from '../json.ts';
import { apiVersionOf, type Resource } from '../resources.ts';
import { changedFields, difference, fieldsOf, intersection, union } from './fields.ts';

/** Who writes, how, and when: what an entry of `managedFields` is made of. */
export interface Writer {
  readonly manager: string;
  readonly operation: 'Update' | 'Apply';
  readonly time: string;
  readonly subresource: string;
}

/** The manager of a request: its `fieldManager`, else the client's name from its user agent. */
export function managerOf(fieldManager: string, userAgent: string): string {
  return fieldManager === '' ? (userAgent.split('/')[0] ?? 'unknown') : fieldManager;
}

/**
 * `desired` with `managedFields` brought up to date. An Update owns what it changed, taking it from others; an Apply owns exactly `applied`.
 * Unlike the real server an Apply never conflicts: it takes what it names, as with `force`.
 */
export function withManagedFields(
  resource: Resource,
  existing: JsonObject | undefined,
  desired: JsonObject,
  writer: Writer,
  applied?: JsonObject,
): JsonObject {
  const without = writer.subresource === '' && resource.hasStatus ? ['status'] : [];
  const changed = changedFields(existing ?? {}, desired, without);
  const present = fieldsOf(desired, []);
  const entries = objectsAt(existing, 'metadata', 'managedFields');
  const own = entries.find((entry) => isOwn(entry, writer));
  const before = objectAt(own, 'fieldsV1');
  const mine = applied === undefined ? intersection(union(before, changed), present) : fieldsOf(applied, without);
  const isUnchanged = own !== undefined && isEqualJson(mine, before) && Object.keys(changed).length === 0;
  const current = Object.keys(mine).length === 0 ? [] : [isUnchanged ? own : printEntry(resource, writer, mine)];
  const taken = applied === undefined ? changed : {};
  // Entries keep their places, so that an apply that changes nothing changes nothing here either.
  const kept = entries.flatMap((entry) => (entry === own ? current : shrunk(entry, taken, present)));
  const all = own === undefined ? [...kept, ...current] : kept;
  return withAt(desired, ['metadata', 'managedFields'], all.length === 0 ? undefined : all);
}

/** What the manager owns by an earlier Apply. */
export function appliedBefore(existing: JsonObject, writer: Writer): JsonObject {
  return objectAt(
    objectsAt(existing, 'metadata', 'managedFields').find((entry) => isOwn(entry, writer)),
    'fieldsV1',
  );
}

/** What others own. */
export function ownedByOthers(existing: JsonObject, writer: Writer): JsonObject {
  return objectsAt(existing, 'metadata', 'managedFields')
    .filter((entry) => !isOwn(entry, writer))
    .reduce((all: JsonObject, entry) => union(all, objectAt(entry, 'fieldsV1')), {});
}

function isOwn(entry: JsonObject, writer: Writer): boolean {
  return (
    textAt(entry, 'manager') === writer.manager &&
    textAt(entry, 'operation') === writer.operation &&
    textAt(entry, 'subresource') === writer.subresource
  );
}

function shrunk(entry: JsonObject, taken: JsonObject, present: JsonObject): readonly JsonObject[] {
  const left = intersection(difference(objectAt(entry, 'fieldsV1'), taken), present);
  return Object.keys(left).length === 0 ? [] : [{ ...entry, fieldsV1: left }];
}

function printEntry(resource: Resource, writer: Writer, fields: JsonObject): JsonObject {
  return {
    manager: writer.manager,
    operation: writer.operation,
    apiVersion: apiVersionOf(resource),
    time: writer.time,
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
    ...(writer.subresource === '' ? {} : { subresource: writer.subresource }),
  };
}
