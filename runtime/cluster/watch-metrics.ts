import type { MetricsRegistry } from '../metrics.ts';
import type { WatchCacheOptions } from './watch-cache.ts';

/** Gives the observer of the watch of a collection; the label is the collection's last word, such as `pods`. */
export type ObserveWatch = (path: string) => NonNullable<WatchCacheOptions<unknown>['observer']>;

/** Defines the metrics of watch caches on a registry. */
export function watchMetrics(registry: MetricsRegistry): ObserveWatch {
  const labels = ['resource'] as const;
  const objects = registry.gauge({ name: 'watch_cache_objects', help: 'Objects that a watch holds.', labels });
  const synced = registry.gauge({
    name: 'watch_cache_synced',
    help: '1 while a watch follows the API server; 0 before it has listed once, and while it serves the last state it knows.',
    labels,
  });
  const restarts = registry.counter({
    name: 'watch_cache_restarts_total',
    help: 'Times a watch broke, or was too old, and its objects were listed again.',
    labels,
  });
  return (path) => {
    const resource = path.split('/').at(-1) ?? path;
    objects.set({ resource }, 0);
    synced.set({ resource }, 0);
    restarts.inc({ resource }, 0);
    return {
      objects: (count) => objects.set({ resource }, count),
      synced: (isSynced) => synced.set({ resource }, isSynced ? 1 : 0),
      restarted: () => restarts.inc({ resource }),
    };
  };
}
