import { type Parsed, requireParsed } from '../runtime/parsed.ts';
import { type SpiffeId, spiffeIdOf } from './spiffe-id.ts';
import type { TrustDomain } from './trust-domain.ts';

/** Who a workload is in Kubernetes. */
export interface Workload {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * The id of a workload, `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`: the only place that knows this scheme.
 *
 * Refuses names that are no path segments. Does not ask whether they exist.
 */
export function workloadId(trustDomain: TrustDomain, namespace: string, serviceAccount: string): Parsed<SpiffeId> {
  return spiffeIdOf(trustDomain, ['ns', namespace, 'sa', serviceAccount]);
}

/** Reads `workloadId` backwards; undefined for an id of any other shape. */
export function parseWorkloadId(id: SpiffeId): Workload | undefined {
  const [ns, namespace, sa, serviceAccount, ...more] = id.path;
  if (ns !== 'ns' || sa !== 'sa' || namespace === undefined || serviceAccount === undefined || more.length > 0) {
    return undefined;
  }
  return { namespace, serviceAccount };
}

/** The id of the trust domain's signing authority: the domain without a path. SPIFFE-ID section 2.3 (ID-08). */
export function authorityDomainId(trustDomain: TrustDomain): SpiffeId {
  return requireParsed(spiffeIdOf(trustDomain, []));
}
