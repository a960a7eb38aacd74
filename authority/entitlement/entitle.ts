import { createHash } from 'node:crypto';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import type { Workload } from '../../spiffe/workload.ts';
import { type Granted, granted, refuse } from '../refusal.ts';
import { entryIdOf } from './entry-id.ts';
import { fillTemplate, type IdTemplate } from './id-template.ts';
import { grantedTtlSeconds } from './lifetime.ts';

export interface EntitlementRules {
  readonly trustDomain: TrustDomain;
  readonly cluster: string;
  readonly template: IdTemplate;
  /** The longest life granted. */
  readonly ttlLimitSeconds: number;
}

/** What an attested workload may have. */
export interface Entitlement {
  readonly spiffeId: SpiffeId;
  readonly ttlSeconds: number;
  readonly entryId: string;
  /** Changes when the rules that made this entitlement do: 8 bytes of a digest, hex. */
  readonly entryRevision: string;
}

/** One attested workload, one SPIFFE ID. What our own parser refuses is not issued (`not-entitled`). */
export function entitle(
  workload: Workload,
  requestedTtlSeconds: number | undefined,
  rules: EntitlementRules,
): Granted<Entitlement> {
  const id = fillTemplate(rules.template, rules.trustDomain, workload);
  if (!id.ok) {
    return refuse('not-entitled', { detail: id.problem.message });
  }
  return granted({
    spiffeId: id.value,
    ttlSeconds: grantedTtlSeconds(requestedTtlSeconds, rules.ttlLimitSeconds),
    entryId: entryIdOf(id.value, rules.cluster, workload),
    entryRevision: revisionOf(rules),
  });
}

/** The profile has one form so far; its name stands for it. */
const profileName = 'x509-leaf-1';

function revisionOf({ template, ttlLimitSeconds }: EntitlementRules): string {
  return createHash('sha256')
    .update(JSON.stringify([template.text, ttlLimitSeconds, profileName]))
    .digest('hex')
    .slice(0, 16);
}
