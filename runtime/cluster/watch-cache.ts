import { z } from 'zod';
import { backoff } from '../backoff.ts';
import { type Cancel, type Clock, sleep } from '../clock.ts';
import { logKeys } from '../log-keys.ts';
import type { Logger } from '../logger.ts';
import { loopService } from '../loop-service.ts';
import { type RandomBytes, uniformBetween } from '../random.ts';
import type { Service } from '../service.ts';
import { ClusterFailure } from './cluster-failure.ts';
import type { ClusterApi, WatchEvent } from './kubernetes-client.ts';

/** What happened to one object of the cache. `value` of a removal is what was held last. */
export interface CacheChange<T> {
  readonly kind: 'set' | 'removed';
  readonly namespace: string;
  readonly name: string;
  readonly value: T;
}

/** The objects of one kind, kept fresh by list and watch. Ready when they were listed once; goes on serving the last state while disconnected. */
export interface WatchCache<T> extends Service {
  all(): readonly T[];
  /** `namespace` is empty for cluster-scoped kinds. */
  get(namespace: string, name: string): T | undefined;
  onChange(listener: (change: CacheChange<T>) => void): Cancel;
  synced(): boolean;
  /** Grows with every change: what was derived from an older revision is stale. */
  revision(): number;
}

export interface WatchCacheOptions<T> {
  readonly api: ClusterApi;
  /** Collection path, such as `/api/v1/namespaces`. */
  readonly path: string;
  readonly labelSelector?: string;
  /** Undefined drops the object: it cannot be used, which is logged without its content. */
  readonly parse: (object: unknown) => T | undefined;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
  /** Told for metrics: how many objects are held, whether they are kept fresh just now, that a watch broke and they are listed again. */
  readonly observer?: { objects?(count: number): void; synced?(isSynced: boolean): void; restarted?(): void };
}

/** What the cache holds of one object. */
interface Held<T> extends CacheChange<T> {
  readonly version: string;
}

const identity = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string().default(''), resourceVersion: z.string().default('') }),
});
const versioned = z.object({ metadata: z.object({ resourceVersion: z.string() }) });

/** Lists, then watches from there with bookmarks; lists again after 410 Gone or a break, waiting longer each time (full jitter), from 0.5 s to 30 s. */
export function watchCache<T>(options: WatchCacheOptions<T>): WatchCache<T> {
  const { api, path, labelSelector, parse, clock, random, logger, observer = {} } = options;
  const collection = labelSelector === undefined ? path : `${path}?labelSelector=${encodeURIComponent(labelSelector)}`;
  const objects = new Map<string, Held<T>>();
  const listeners = new Set<(change: CacheChange<T>) => void>();
  const waits = backoff({ baseMs: 500, capMs: 30_000, random });
  let isSynced = false;
  let revision = 0;

  function tell(change: CacheChange<T>): void {
    revision += 1;
    observer.objects?.(objects.size);
    for (const listener of listeners) {
      listener(change);
    }
  }

  function remove(key: string): void {
    const held = objects.get(key);
    if (held !== undefined) {
      objects.delete(key);
      tell({ kind: 'removed', namespace: held.namespace, name: held.name, value: held.value });
    }
  }

  /** Takes one object in, unless it is held in this very version; gives its key. */
  function set(object: unknown): string | undefined {
    const named = identity.safeParse(object).data?.metadata;
    if (named === undefined) {
      return undefined;
    }
    const { namespace, name, resourceVersion: version } = named;
    const key = `${namespace}/${name}`;
    if (version !== '' && objects.get(key)?.version === version) {
      return key;
    }
    const value = parse(object);
    if (value === undefined) {
      logger.warn(
        { [logKeys.resource]: path, [logKeys.namespace]: namespace, name },
        'object ignored: not of the expected form',
      );
      remove(key);
      return undefined;
    }
    const change = { kind: 'set', namespace, name, value } as const;
    objects.set(key, { ...change, version });
    tell(change);
    return key;
  }

  function replaceAll(items: readonly unknown[]): void {
    const kept = new Set(items.map(set));
    for (const key of [...objects.keys()].filter((held) => !kept.has(held))) {
      remove(key);
    }
  }

  function take({ type, object }: WatchEvent): void {
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
        set(object);
        break;
      case 'DELETED': {
        const gone = identity.safeParse(object).data?.metadata;
        remove(`${gone?.namespace ?? ''}/${gone?.name ?? ''}`);
        break;
      }
      case 'BOOKMARK':
        break;
      case 'ERROR':
        throw new ClusterFailure('gone', 'the watch was told to list again', 410);
    }
    waits.reset();
  }

  /** One list and the watches after it; rejects when a new list is needed. */
  async function follow(signal: AbortSignal, ready: () => void): Promise<void> {
    const list = await api.list(collection);
    replaceAll(list.items);
    isSynced = true;
    observer.objects?.(objects.size);
    observer.synced?.(true);
    ready();
    let { resourceVersion } = list;
    while (!signal.aborted) {
      // Drawn anew each time, so that the watches of many replicas do not end together.
      const timeoutSeconds = Math.round(uniformBetween(random, 240, 360));
      await api.watch(collection, { resourceVersion, signal, timeoutSeconds }, (event) => {
        take(event);
        resourceVersion = versioned.safeParse(event.object).data?.metadata.resourceVersion ?? resourceVersion;
      });
      // A server that ends streams at once must not be asked in a tight loop.
      await sleep(clock, 100, signal);
    }
  }

  const service = loopService(`watch ${path}`, async ({ signal, ready }) => {
    while (!signal.aborted) {
      try {
        await follow(signal, ready);
      } catch (error) {
        observer.synced?.(false);
        observer.restarted?.();
        if (!(error instanceof ClusterFailure && error.code === 'gone')) {
          logger.warn({ [logKeys.error]: error, [logKeys.resource]: path }, 'watch interrupted, listing again');
        }
        await sleep(clock, waits.nextMs(), signal);
      }
    }
  });

  return {
    ...service,
    all: () => [...objects.values()].map(({ value }) => value),
    get: (namespace, name) => objects.get(`${namespace}/${name}`)?.value,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    synced: () => isSynced,
    revision: () => revision,
  };
}
