import type { Cancel } from '../../../runtime/clock.ts';
import { type JsonObject, textAt, withAt } from './json.ts';
import { type Named, qualified } from './status.ts';

/** One change of the store, at its revision. The object carries that revision as `resourceVersion`, a deleted one too. */
export interface StoredEvent {
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** `pods`, `deployments.apps`. */
  readonly resource: string;
  readonly object: JsonObject;
  readonly previous: JsonObject | undefined;
}

/**
 * Objects in memory with etcd's promises: one counter over all writes, compare-and-set, and a bounded history for watches.
 * Objects are never changed in place, so handing them out is safe.
 */
export interface Store {
  /** The revision of the newest write. */
  revision(): number;
  get(resource: Named, namespace: string, name: string): JsonObject | undefined;
  /** Sorted by namespace and name; an empty namespace lists all. */
  list(resource: Named, namespace?: string): readonly JsonObject[];
  /** The object as stored, or undefined when the name is taken. */
  create(resource: Named, object: JsonObject): JsonObject | undefined;
  /** The object as stored, or undefined when it is no longer at `expected` (a `resourceVersion`). */
  update(resource: Named, object: JsonObject, expected: string): JsonObject | undefined;
  /** The last state, or undefined when it is no longer at `expected`. */
  remove(resource: Named, namespace: string, name: string, expected: string): JsonObject | undefined;
  /** Changes after `revision`, oldest first, or undefined when some are forgotten. */
  since(revision: number): readonly StoredEvent[] | undefined;
  /** Called in order of revision, at once after each write. */
  subscribe(listener: (event: StoredEvent) => void): Cancel;
  /** The oldest revision a watch may begin at. */
  oldest(): number;
}

/** An empty store. `historyLimit`: changes remembered for watches (a watch from before them ends with 410). */
export function createStore(historyLimit: number): Store {
  const collections = new Map<string, Map<string, JsonObject>>();
  const listeners = new Set<(event: StoredEvent) => void>();
  const history: StoredEvent[] = [];
  const undelivered: StoredEvent[] = [];
  let isDelivering = false;
  let newest = 1;
  let forgotten = 1;

  const collection = (resource: Named): Map<string, JsonObject> => {
    const known = collections.get(qualified(resource)) ?? new Map<string, JsonObject>();
    collections.set(qualified(resource), known);
    return known;
  };
  const record = (
    type: StoredEvent['type'],
    resource: Named,
    object: JsonObject,
    previous: JsonObject | undefined,
  ): void => {
    const event = { revision: newest, type, resource: qualified(resource), object, previous };
    history.push(event);
    if (history.length > historyLimit) {
      forgotten = history.shift()?.revision ?? forgotten;
    }
    undelivered.push(event);
    deliver();
  };
  /** A listener may write: what it wrote is told after what it was told of, so that all hear of changes in order. */
  const deliver = (): void => {
    if (isDelivering) {
      return;
    }
    isDelivering = true;
    for (let event = undelivered.shift(); event !== undefined; event = undelivered.shift()) {
      for (const listener of listeners) {
        listener(event);
      }
    }
    isDelivering = false;
  };
  const stamped = (object: JsonObject): JsonObject => {
    newest += 1;
    return withAt(object, ['metadata', 'resourceVersion'], String(newest));
  };
  const isAt = (object: JsonObject | undefined, expected: string): object is JsonObject =>
    object !== undefined && textAt(object, 'metadata', 'resourceVersion') === expected;

  return {
    revision: () => newest,
    oldest: () => forgotten,
    get: (resource, namespace, name) => collection(resource).get(`${namespace}/${name}`),
    list: (resource, namespace = '') =>
      [...collection(resource)]
        .filter(([key]) => namespace === '' || key.startsWith(`${namespace}/`))
        .toSorted(([left], [right]) => (left < right ? -1 : 1))
        .map(([, object]) => object),
    create: (resource, object) => {
      const key = keyOf(object);
      if (collection(resource).has(key)) {
        return undefined;
      }
      const stored = stamped(object);
      collection(resource).set(key, stored);
      record('ADDED', resource, stored, undefined);
      return stored;
    },
    update: (resource, object, expected) => {
      const previous = collection(resource).get(keyOf(object));
      if (!isAt(previous, expected)) {
        return undefined;
      }
      const stored = stamped(object);
      collection(resource).set(keyOf(object), stored);
      record('MODIFIED', resource, stored, previous);
      return stored;
    },
    remove: (resource, namespace, name, expected) => {
      const previous = collection(resource).get(`${namespace}/${name}`);
      if (!isAt(previous, expected)) {
        return undefined;
      }
      collection(resource).delete(`${namespace}/${name}`);
      const last = stamped(previous);
      record('DELETED', resource, last, previous);
      return last;
    },
    since: (revision) => (revision < forgotten ? undefined : history.filter((event) => event.revision > revision)),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function keyOf(object: JsonObject): string {
  return `${textAt(object, 'metadata', 'namespace')}/${textAt(object, 'metadata', 'name')}`;
}
