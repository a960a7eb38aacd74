import type { WatchCache } from '../../runtime/cluster/watch-cache.ts';
import type { NamespaceFacts, NamespaceLookup } from '../attestation/ports.ts';

/** Namespaces by the watch. */
export function clusterNamespaceLookup(namespaces: WatchCache<NamespaceFacts>): NamespaceLookup {
  return {
    get: (name) => namespaces.get('', name),
    optedIn: () => namespaces.all().filter(({ isOptedIn, isBeingDeleted }) => isOptedIn && !isBeingDeleted),
  };
}
