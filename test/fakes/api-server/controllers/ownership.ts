import { createHash } from 'node:crypto';
import { type JsonObject, objectsAt, textAt, valueAt } from '../json.ts';
import { suffixAlphabet, timestamp } from '../metadata.ts';
import { isApiError, type Named } from '../status.ts';
import type { Store } from '../storage.ts';
import type { ControllerWorld } from './controller.ts';

/** `namespace/name` of an object, as controllers key it. */
export function keyOf(object: JsonObject): string {
  return `${textAt(object, 'metadata', 'namespace')}/${textAt(object, 'metadata', 'name')}`;
}

/** Namespace and name of such a key. */
export function splitKey(key: string): readonly [namespace: string, name: string] {
  const at = key.indexOf('/');
  return [key.slice(0, at), key.slice(at + 1)];
}

/** The reference a controller leaves on what it makes. */
export function controllerReference(owner: JsonObject): JsonObject {
  return {
    apiVersion: owner['apiVersion'],
    kind: owner['kind'],
    name: valueAt(owner, 'metadata', 'name'),
    uid: valueAt(owner, 'metadata', 'uid'),
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The key of an object's controlling owner of this kind. */
export function ownerKeys(object: JsonObject, kind: string): readonly string[] {
  return objectsAt(object, 'metadata', 'ownerReferences')
    .filter((reference) => reference['controller'] === true && textAt(reference, 'kind') === kind)
    .map((reference) => `${textAt(object, 'metadata', 'namespace')}/${textAt(reference, 'name')}`);
}

/** What an object controls, by uid. */
export function controlledBy(store: Store, resource: Named, owner: JsonObject): readonly JsonObject[] {
  const uid = textAt(owner, 'metadata', 'uid');
  return store
    .list(resource, textAt(owner, 'metadata', 'namespace'))
    .filter((object) =>
      objectsAt(object, 'metadata', 'ownerReferences').some(
        (reference) => reference['controller'] === true && reference['uid'] === uid,
      ),
    );
}

/** A short digest in the letters of generated names. */
export function shortHash(text: string, length: number): string {
  const digest = createHash('sha256').update(text).digest();
  return [...digest.subarray(0, length)].map((byte) => suffixAlphabet[byte % suffixAlphabet.length] ?? 'x').join('');
}

export function isDeleted(object: JsonObject): boolean {
  return textAt(object, 'metadata', 'deletionTimestamp') !== '';
}

export function isReady(pod: JsonObject): boolean {
  return objectsAt(pod, 'status', 'conditions').some(
    (condition) => condition['type'] === 'Ready' && condition['status'] === 'True',
  );
}

/** Neither finished nor being deleted. */
export function isActive(pod: JsonObject): boolean {
  return !isDeleted(pod) && !['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase'));
}

/** Says in an Event what happened to an object; said again, the same Event counts on. */
export async function recordEvent(
  world: ControllerWorld,
  about: JsonObject,
  event: {
    readonly type: 'Normal' | 'Warning';
    readonly reason: string;
    readonly message: string;
    readonly component: string;
  },
): Promise<void> {
  const { client, clock } = world;
  const namespace = textAt(about, 'metadata', 'namespace');
  const name = `${textAt(about, 'metadata', 'name')}.${shortHash(`${textAt(about, 'metadata', 'uid')}${event.reason}${event.message}`, 16)}`;
  const path = `/api/v1/namespaces/${namespace}/events`;
  const now = timestamp(clock.now());
  const { uid, resourceVersion } = {
    uid: valueAt(about, 'metadata', 'uid'),
    resourceVersion: valueAt(about, 'metadata', 'resourceVersion'),
  };
  const involvedObject = {
    kind: about['kind'],
    namespace,
    name: valueAt(about, 'metadata', 'name'),
    uid,
    apiVersion: about['apiVersion'],
    resourceVersion,
  };
  const { component, ...said } = event;
  const body = {
    metadata: { name, namespace },
    involvedObject,
    ...said,
    source: { component },
    reportingComponent: component,
  };
  try {
    await client.create(path, { ...body, firstTimestamp: now, lastTimestamp: now, count: 1 });
  } catch (error) {
    if (!isApiError(error, 409)) {
      return;
    }
    const known = await client.get(`${path}/${name}`).catch(() => undefined);
    const count = typeof known?.['count'] === 'number' ? known['count'] : 1;
    await client
      .patch(`${path}/${name}`, { count: count + 1, lastTimestamp: now }, 'application/merge-patch+json')
      .catch(() => undefined);
  }
}
