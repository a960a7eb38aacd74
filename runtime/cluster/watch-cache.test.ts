import { describe, expect, it } from 'vitest';
import { type ManualClock, manualClock } from '../../test/builders/manual-clock.ts';
import { startApiServer } from '../../test/fakes/api-server/api-server.ts';
import { systemClock } from '../clock.ts';
import { deadlineIn } from '../deadline.ts';
import { createLogger } from '../logger.ts';
import { systemRandom } from '../random.ts';
import { ClusterFailure } from './cluster-failure.ts';
import type { ClusterApi, ObjectList, WatchEvent, WatchFrom } from './kubernetes-client.ts';
import { type CacheChange, type WatchCacheOptions, watchCache } from './watch-cache.ts';

interface Thing {
  readonly name: string;
  readonly size: number;
}

const thing = (name: string, version: string, size: unknown = 1) => ({
  metadata: { namespace: 'shop', name, resourceVersion: version },
  size,
});

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function parseThing(object: unknown): Thing | undefined {
  const name = isObject(object) && isObject(object['metadata']) ? object['metadata']['name'] : undefined;
  const size = isObject(object) ? object['size'] : undefined;
  return typeof name === 'string' && typeof size === 'number' ? { name, size } : undefined;
}

interface OpenWatch {
  readonly path: string;
  readonly from: WatchFrom;
  send(type: WatchEvent['type'], object: unknown): void;
  end(failure?: ClusterFailure): void;
}

/** An API server played by the test: lists come from `lists`, watches wait to be told. */
function stage(overrides: Partial<WatchCacheOptions<Thing>> = {}) {
  const clock: ManualClock = manualClock();
  const lists: (ObjectList | ClusterFailure)[] = [];
  const listed: string[] = [];
  const listedAtMs: number[] = [];
  const watches: OpenWatch[] = [];
  const lines: string[] = [];
  const unused = () => Promise.reject(new Error('not used here'));
  const api: ClusterApi = {
    get: unused,
    create: unused,
    replace: unused,
    patch: unused,
    remove: unused,
    list(path) {
      listed.push(path);
      listedAtMs.push(clock.monotonicMs());
      const next = lists.shift() ?? new ClusterFailure('unavailable', 'no more lists', 503);
      return next instanceof ClusterFailure ? Promise.reject(next) : Promise.resolve(next);
    },
    watch: (path, from, onEvent) =>
      new Promise((resolve, reject) => {
        const send = (type: WatchEvent['type'], object: unknown): void => {
          try {
            onEvent({ type, object });
          } catch (error) {
            reject(error instanceof Error ? error : new Error('not an error'));
          }
        };
        watches.push({ path, from, send, end: (failure) => (failure === undefined ? resolve() : reject(failure)) });
        from.signal.addEventListener('abort', () => resolve());
      }),
  };
  const cache = watchCache<Thing>({
    api,
    path: '/things',
    parse: parseThing,
    clock,
    random: (size) => new Uint8Array(size).fill(0x80),
    logger: createLogger({ program: 'test', level: 'info', write: (line) => void lines.push(line) }),
    ...overrides,
  });
  const changes: string[] = [];
  cache.onChange(({ kind, namespace, name, value }) => changes.push(`${kind} ${namespace}/${name} ${value.size}`));
  const start = async (): Promise<void> => {
    const started = cache.start(new AbortController().signal);
    started.catch(() => undefined);
    await clock.advance(0);
  };
  const last = (): OpenWatch => {
    const watch = watches.at(-1);
    if (watch === undefined) {
      throw new Error('nobody watches');
    }
    return watch;
  };
  return { clock, lists, listed, listedAtMs, watches, last, lines, cache, changes, start };
}

const list = (resourceVersion: string, ...items: unknown[]): ObjectList => ({ resourceVersion, items });
const gone = new ClusterFailure('gone', 'too old', 410);
const broken = new ClusterFailure('unavailable', 'broken', 0);

describe('watchCache', () => {
  it('is ready when it has listed once, and watches from there with a bound', async () => {
    const { cache, lists, last, start, listed } = stage({ labelSelector: 'a=b,c' });
    lists.push(list('10', thing('a', '3'), thing('b', '4', 2)));
    expect(cache.synced()).toBe(false);
    await start();
    expect(cache.synced()).toBe(true);
    expect(cache.all()).toEqual([
      { name: 'a', size: 1 },
      { name: 'b', size: 2 },
    ]);
    expect(cache.get('shop', 'b')).toEqual({ name: 'b', size: 2 });
    expect(cache.get('other', 'b')).toBeUndefined();
    expect(listed).toEqual(['/things?labelSelector=a%3Db%2Cc']);
    expect(last().path).toBe('/things?labelSelector=a%3Db%2Cc');
    expect(last().from).toMatchObject({ resourceVersion: '10', timeoutSeconds: 300 });
  });

  it('follows what is added, changed and deleted, and tells each change', async () => {
    const { cache, lists, last, start, changes } = stage();
    lists.push(list('10', thing('a', '3')));
    await start();
    last().send('ADDED', thing('b', '11'));
    last().send('MODIFIED', thing('a', '12', 5));
    last().send('DELETED', thing('b', '13'));
    expect(changes).toEqual(['set shop/a 1', 'set shop/b 1', 'set shop/a 5', 'removed shop/b 1']);
    expect(cache.all()).toEqual([{ name: 'a', size: 5 }]);
    expect(cache.revision()).toBe(4);
  });

  it('goes on from the last version it saw when a watch ends, bookmarks included, without a new list', async () => {
    const { clock, lists, last, start, watches, listed } = stage();
    lists.push(list('10'));
    await start();
    last().send('ADDED', thing('a', '11'));
    last().send('BOOKMARK', { metadata: { resourceVersion: '99' } });
    last().end();
    await clock.advance(99);
    expect(watches).toHaveLength(1);
    await clock.advance(1);
    expect(last().from.resourceVersion).toBe('99');
    expect(listed).toHaveLength(1);
  });

  it('lists again when the server has forgotten where it was, and drops what is gone', async () => {
    const { clock, cache, lists, last, start, changes, lines } = stage();
    lists.push(list('10', thing('a', '3'), thing('b', '4')), list('50', thing('b', '4'), thing('c', '40')));
    await start();
    changes.length = 0;
    last().end(gone);
    await clock.advance(500);
    expect(changes).toEqual(['set shop/c 1', 'removed shop/a 1']);
    expect(last().from.resourceVersion).toBe('50');
    expect(cache.synced()).toBe(true);
    expect(lines).toEqual([]);
  });

  it('takes an ERROR event for the same, whatever status it carries', async () => {
    const { clock, lists, last, start, listed } = stage();
    lists.push(list('10'), list('20'));
    await start();
    last().send('ERROR', { kind: 'Status', code: 410 });
    await clock.advance(500);
    expect(listed).toHaveLength(2);
    expect(last().from.resourceVersion).toBe('20');
  });

  it('waits longer after each failure, and serves what it has meanwhile', async () => {
    const { clock, cache, lists, last, start, listedAtMs } = stage();
    lists.push(list('10', thing('a', '3')));
    await start();
    last().end(broken);
    await clock.advance(5_000);
    const waits = listedAtMs.slice(1).map((at, index) => at - (listedAtMs[index] ?? 0));
    expect(waits.map((ms) => Math.round(ms / 250) * 250)).toEqual([250, 500, 1_000, 2_000]);
    expect(cache.all()).toEqual([{ name: 'a', size: 1 }]);
    expect(cache.synced()).toBe(true);
  });

  it('starts over with short waits once an event has come', async () => {
    const { clock, lists, last, start, listedAtMs } = stage();
    lists.push(list('10'), broken, broken, broken, list('20'), list('30'));
    await start();
    last().end(broken);
    await clock.advance(10_000);
    last().send('BOOKMARK', { metadata: { resourceVersion: '21' } });
    const brokenAtMs = clock.monotonicMs();
    last().end(broken);
    await clock.advance(10_000);
    expect(Math.round(((listedAtMs.at(-1) ?? 0) - brokenAtMs) / 250) * 250).toBe(250);
  });

  it('does not ask a server in a tight loop that forgets at once, time and again', async () => {
    const { clock, lists, watches, start, listed } = stage();
    lists.push(...Array.from({ length: 100 }, (_, index) => list(String(index))));
    await start();
    for (let elapsed = 0; elapsed < 60_000; elapsed += 250) {
      watches.splice(0).forEach((watch) => watch.end(gone));
      await clock.advance(250);
    }
    expect(listed.length).toBeLessThan(12);
  });

  it('is not ready before the first list succeeds', async () => {
    const { clock, cache, lists, start } = stage();
    lists.push(broken, list('1', thing('a', '1')));
    await start();
    expect(cache.synced()).toBe(false);
    await clock.advance(500);
    expect(cache.synced()).toBe(true);
  });

  it('leaves out what it cannot read, drops what becomes so, and names it without its content', async () => {
    const { cache, lists, last, start, changes, lines } = stage();
    lists.push(list('10', thing('bad', '1', 'hunter2'), { metadata: {} }, 'nothing', thing('a', '2')));
    await start();
    expect(cache.all()).toEqual([{ name: 'a', size: 1 }]);
    last().send('MODIFIED', thing('a', '11', 'hunter2'));
    expect(changes.at(-1)).toBe('removed shop/a 1');
    expect(lines).toHaveLength(2);
    expect(lines.join('')).toContain('"name":"bad"');
    expect(lines.join('')).not.toContain('hunter2');
  });

  it('tells its observer what it holds and how often it began anew', async () => {
    const told: string[] = [];
    const { clock, lists, last, start } = stage({
      observer: {
        objects: (count) => told.push(`objects ${count}`),
        synced: (isSynced) => told.push(`synced ${String(isSynced)}`),
        restarted: () => told.push('restarted'),
      },
    });
    lists.push(list('10', thing('a', '3')), list('20'));
    await start();
    last().end(broken);
    await clock.advance(500);
    expect(new Set(told)).toEqual(new Set(['objects 1', 'synced true', 'synced false', 'restarted', 'objects 0']));
  });

  it('stops watching when it is stopped, also while it waits', async () => {
    const { clock, cache, lists, start } = stage();
    lists.push(list('10'));
    await start();
    await cache.stop(deadlineIn(clock, 1_000));
    expect(await cache.ended).toEqual({ by: 'stop' });
    const other = stage();
    await other.start();
    await other.cache.stop(deadlineIn(other.clock, 1_000));
    expect(await other.cache.ended).toEqual({ by: 'stop' });
    expect(other.clock.pending()).toBe(0);
  });

  it('keeps step with the embedded API server', async () => {
    const cluster = await startApiServer({ controllers: false });
    const path = '/api/v1/namespaces/default/configmaps';
    const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
    await cluster.admin.create(path, configMap('before'));
    const cache = watchCache<string>({
      api: cluster.admin,
      path,
      parse: (object) => parseThing({ ...(isObject(object) ? object : {}), size: 0 })?.name,
      clock: systemClock,
      random: systemRandom,
      logger: createLogger({ program: 'test', level: 'silent', write: () => undefined }),
    });
    await cache.start(new AbortController().signal);
    const change = new Promise<CacheChange<string>>((resolve) => void cache.onChange(resolve));
    expect(cache.all()).toEqual(['before']);
    await cluster.admin.create(path, configMap('after'));
    expect(await change).toEqual({ kind: 'set', namespace: 'default', name: 'after', value: 'after' });
    await cache.stop(deadlineIn(systemClock, 1_000));
    await cluster.stop();
  });
});
