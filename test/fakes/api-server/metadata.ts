import { randomUUID } from 'node:crypto';
import type { RandomBytes } from '../../../runtime/random.ts';
import { isEqualJson, type JsonObject, numberAt, objectAt, textAt, valueAt, withAt } from './json.ts';
import { qosClass } from './qos.ts';
import type { Resource } from './resources.ts';

/** `metadata` times are in whole seconds. */
export function timestamp(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}

/** Five characters as the real server appends to `generateName`: no vowels, nothing that looks alike. */
export function nameSuffix(random: RandomBytes): string {
  return [...random(5)].map((byte) => suffixAlphabet[byte % suffixAlphabet.length] ?? 'x').join('');
}

export const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** A new object as it will be stored: name, uid, times and generation are ours to set, a status is not taken from the client. */
export function prepareCreate(resource: Resource, object: JsonObject, now: Date, random: RandomBytes): JsonObject {
  const given = objectAt(object, 'metadata');
  const { deletionTimestamp: _d, deletionGracePeriodSeconds: _g, selfLink: _s, resourceVersion: _r, ...kept } = given;
  const generateName = textAt(given, 'generateName');
  const metadata = {
    ...kept,
    name:
      textAt(given, 'name') === '' && generateName !== ''
        ? `${generateName}${nameSuffix(random)}`
        : textAt(given, 'name'),
    uid: randomUUID(),
    ...(resource.hasGeneration ? { generation: 1 } : {}),
    creationTimestamp: timestamp(now),
  };
  return { ...withInitialStatus(resource, object), metadata };
}

/**
 * The object an update leads to: what identifies it stays, and of a write to the main resource the status stays, of one to `status` everything else.
 * The generation grows when anything but metadata and status changed, and when deletion begins.
 */
export function prepareUpdate(
  resource: Resource,
  existing: JsonObject,
  desired: JsonObject,
  subresource: string,
): JsonObject {
  const merged = mergedParts(resource, existing, desired, subresource);
  const kept = preserved.map((member): [string, JsonObject[string]] => [member, valueAt(existing, 'metadata', member)]);
  const metadata: JsonObject = { ...objectAt(merged, 'metadata'), ...Object.fromEntries(kept) };
  const complete = { ...merged, kind: existing['kind'], apiVersion: existing['apiVersion'], metadata };
  if (!resource.hasGeneration || isEqualJson(content(existing), content(complete))) {
    return complete;
  }
  return withAt(complete, ['metadata', 'generation'], (numberAt(existing, 'metadata', 'generation') ?? 0) + 1);
}

function mergedParts(resource: Resource, existing: JsonObject, desired: JsonObject, subresource: string): JsonObject {
  switch (subresource) {
    case 'status':
      return statusOnly(existing, desired);
    case 'binding':
      // The one write that sets a field of the spec and a condition together.
      return desired;
    default:
      return withOldStatus(resource, existing, desired);
  }
}

const preserved = [
  'name',
  'namespace',
  'uid',
  'generateName',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'resourceVersion',
];

function content(object: JsonObject): JsonObject {
  const { metadata: _metadata, status: _status, ...rest } = object;
  return rest;
}

function statusOnly(existing: JsonObject, desired: JsonObject): JsonObject {
  const managedFields = valueAt(desired, 'metadata', 'managedFields');
  const object = { ...existing, status: desired['status'] };
  return managedFields === undefined ? object : withAt(object, ['metadata', 'managedFields'], managedFields);
}

function withOldStatus(resource: Resource, existing: JsonObject, desired: JsonObject): JsonObject {
  if (!resource.hasStatus) {
    return desired;
  }
  const { status: _status, ...rest } = desired;
  return existing['status'] === undefined ? rest : { ...rest, status: existing['status'] };
}

function withInitialStatus(resource: Resource, object: JsonObject): JsonObject {
  if (!resource.hasStatus) {
    return object;
  }
  const { status: _status, ...rest } = object;
  const initial = initialStatus(resource.kind, object);
  return initial === undefined ? rest : { ...rest, status: initial };
}

function initialStatus(kind: string, object: JsonObject): JsonObject | undefined {
  switch (kind) {
    case 'Pod':
      return { phase: 'Pending', qosClass: qosClass(object) };
    case 'Namespace':
      return { phase: 'Active' };
    case 'Service':
      return { loadBalancer: {} };
    case 'Deployment':
    case 'Job':
    case 'DaemonSet':
    case 'CronJob':
      return {};
    case 'ReplicaSet':
    case 'ReplicationController':
    case 'StatefulSet':
      return { replicas: 0 };
    default:
      return undefined;
  }
}
