import { z } from 'zod';
import { backoff } from '../backoff.ts';
import { type Cancel, type Clock, sleep } from '../clock.ts';
import { logKeys } from '../log-keys.ts';
import type { Logger } from '../logger.ts';
import { loopService } from '../loop-service.ts';
import type { RandomBytes } from '../random.ts';
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
}

const identity = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string().default(''), resourceVersion: z.string().default('') }),
});

export function watchCache<T>(options: WatchCacheOptions<T>): WatchCache<T> {
  const { api, path, labelSelector, parse, clock, random, logger } = options;
  const collection = labelSelector === undefined ? path : `${path}?labelSelector=${encodeURIComponent(labelSelector)}`;
  const objects = new Map<string, CacheChange<T>>();
  const listeners = new Set<(change: CacheChange<T>) => void>();
  const waits = backoff({ baseMs: 500, capMs: 30_000, random });
  let isSynced = false;
  let revision = 0;

  function tell(change: CacheChange<T>): void {
    revision += 1;
    for (const listener of listeners) {
      listener(change);
    }
  }

  function remove(key: string): void {
    const held = objects.get(key);
    if (held !== undefined) {
      objects.delete(key);
      tell({ ...held, kind: 'removed' });
    }
  }

  /** Takes one object in; gives its key. */
  function set(object: unknown): string | undefined {
    const named = identity.safeParse(object);
    if (!named.success) {
      return undefined;
    }
    const { namespace, name } = named.data.metadata;
    const key = `${namespace}/${name}`;
    const value = parse(object);
    if (value === undefined) {
      logger.warn(
        { [logKeys.resource]: path, [logKeys.namespace]: namespace, name },
        'object ignored: not of the expected form',
      );
      remove(key);
      return undefined;
    }
    const change: CacheChange<T> = { kind: 'set', namespace, name, value };
    objects.set(key, change);
    tell(change);
    return key;
  }

  function replaceAll(items: readonly unknown[]): void {
    const kept = new Set(items.map(set));
    for (const key of [...objects.keys()].filter((held) => !kept.has(held))) {
      remove(key);
    }
  }

  /** One list and the watches after it; resolves when a new list is needed. */
  async function follow(signal: AbortSignal, ready: () => void): Promise<void> {
    const list = await api.list(collection);
    replaceAll(list.items);
    isSynced = true;
    ready();
    let { resourceVersion } = list;
    const onEvent = ({ type, object }: WatchEvent): void => {
      const version = identity.partial().safeParse(object).data?.metadata?.resourceVersion;
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
      resourceVersion = version === undefined || version === '' ? resourceVersion : version;
      waits.reset();
    };
    while (!signal.aborted) {
      await api.watch(collection, { resourceVersion, signal }, onEvent);
      // A server that ends streams at once must not be asked in a tight loop.
      await sleep(clock, 100, signal);
    }
  }

  const service = loopService(`watch ${path}`, async ({ signal, ready }) => {
    while (!signal.aborted) {
      try {
        await follow(signal, ready);
      } catch (error) {
        if (!(error instanceof ClusterFailure && error.code === 'gone')) {
          logger.warn({ [logKeys.error]: error, [logKeys.resource]: path }, 'watch interrupted, listing again');
          await sleep(clock, waits.nextMs(), signal);
        }
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
