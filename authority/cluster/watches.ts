import { type AccessPolicy, parseAccessPolicy } from '../../manifests/resources/access-policy.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ClusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { type WatchCache, watchCache } from '../../runtime/cluster/watch-cache.ts';
import type { ObserveWatch } from '../../runtime/cluster/watch-metrics.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { RandomBytes } from '../../runtime/random.ts';
import type { Service } from '../../runtime/service.ts';
import type { AttestedPod, NamespaceFacts } from '../attestation/ports.ts';
import { marks } from '../marks.ts';
import type { NetworkPolicyFacts } from '../peers/network-policy-seen.ts';
import type { ServiceFacts, SliceFacts } from '../peers/service.ts';
import { parseNamespace } from './namespace.ts';
import { parseNetworkPolicy, parseService, parseSlice } from './network-objects.ts';
import { parsePod } from './pod.ts';

export interface WatchParts {
  readonly api: ClusterApi;
  readonly observe: ObserveWatch;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

/** Everything the authority watches. Of pods only the injected ones: never all pods of a cluster. */
export interface Watches {
  readonly pods: WatchCache<AttestedPod>;
  readonly namespaces: WatchCache<NamespaceFacts>;
  readonly services: WatchCache<ServiceFacts>;
  readonly slices: WatchCache<SliceFacts>;
  readonly networkPolicies: WatchCache<NetworkPolicyFacts>;
  readonly accessPolicies: WatchCache<AccessPolicy>;
  /** All of them, to be started in any order. */
  readonly all: readonly Service[];
  onAnyChange(listener: () => void): void;
}

/** The watches, not yet started. */
export function createWatches(parts: WatchParts): Watches {
  const watch = <T>(path: string, parse: (object: unknown) => T | undefined, labelSelector?: string): WatchCache<T> =>
    watchCache({
      ...parts,
      path,
      parse,
      observer: parts.observe(path),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    });
  const pods = watch('/api/v1/pods', parsePod, `${marks.injected}=true`);
  const namespaces = watch('/api/v1/namespaces', parseNamespace);
  const services = watch('/api/v1/services', parseService);
  const slices = watch('/apis/discovery.k8s.io/v1/endpointslices', parseSlice);
  const networkPolicies = watch('/apis/networking.k8s.io/v1/networkpolicies', parseNetworkPolicy);
  const accessPolicies = watch('/apis/sallyport.dev/v1alpha1/accesspolicies', policyOf);
  const all = [pods, namespaces, services, slices, networkPolicies, accessPolicies];
  return {
    pods,
    namespaces,
    services,
    slices,
    networkPolicies,
    accessPolicies,
    all,
    onAnyChange: (listener) => all.forEach((cache) => cache.onChange(listener)),
  };
}

function policyOf(object: unknown): AccessPolicy | undefined {
  const parsed = parseAccessPolicy(object);
  return parsed.ok ? parsed.value : undefined;
}
