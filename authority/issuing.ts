import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Clock } from '../runtime/clock.ts';
import type { Parsed } from '../runtime/parsed.ts';
import type { RandomBytes } from '../runtime/random.ts';
import type { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { Workload } from '../spiffe/workload.ts';
import { createAttestor } from './attestation/attest.ts';
import type { NamespaceLookup, PodLookup, TokenReviewer } from './attestation/ports.ts';
import { cachedReviewer } from './attestation/review-cache.ts';
import { tokenBindings } from './attestation/token-binding.ts';
import { fillTemplate } from './entitlement/id-template.ts';
import { type IssuedSvid, type IssueRequest, type IssuerParts, issue } from './issuance/issue.ts';
import { issueOwn } from './issuance/issue-own.ts';
import type { MadeSvid } from './issuance/make-svid.ts';
import type { IssuanceRecorder } from './issuance/record.ts';
import { createGate } from './limits/gate.ts';
import { issuanceLimits, retryAfterSeconds } from './limits/issuance-limits.ts';
import type { AuthorityMetrics } from './metrics.ts';
import type { Granted } from './refusal.ts';
import type { AuthoritySettings } from './settings.ts';
import type { Trust } from './trust.ts';

export interface IssuingParts {
  readonly settings: Pick<
    AuthoritySettings,
    | 'attestSourceAddress'
    | 'cluster'
    | 'idTemplate'
    | 'limits'
    | 'podNamespace'
    | 'podUid'
    | 'renewWithoutReviewMax'
    | 'serviceAccount'
    | 'trustDomain'
    | 'x509Ttl'
  >;
  readonly reviewer: TokenReviewer;
  readonly pods: PodLookup;
  readonly namespaces: NamespaceLookup;
  readonly trust: Pick<Trust, 'signers' | 'publication'>;
  readonly recorder: IssuanceRecorder;
  readonly metrics: Pick<AuthorityMetrics, 'attested' | 'issued'>;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** Issuance as the edges use it, each call counted. */
export interface Issuing {
  issue(request: IssueRequest): Promise<Granted<IssuedSvid>>;
  issueOwn(publicKey: KeyObject): Promise<Granted<MadeSvid>>;
  idOf(workload: Workload): Parsed<SpiffeId>;
}

/** Wires attestor, entitlement and pipeline by the settings. */
export function createIssuing(parts: IssuingParts): Issuing {
  const { settings, clock, random, metrics } = parts;
  const pipeline = pipelineOf(parts);
  const own = { namespace: settings.podNamespace, serviceAccount: settings.serviceAccount, podUid: settings.podUid };
  return {
    async issue(request) {
      const startedMs = clock.monotonicMs();
      const issued = await issue(request, pipeline);
      const durationMs = clock.monotonicMs() - startedMs;
      const renewal = request.current !== undefined;
      const facts = issued.ok
        ? issued.value.facts
        : { method: renewal ? ('svid' as const) : ('token-review' as const) };
      metrics.attested(facts, issued.ok ? undefined : issued.refusal, durationMs);
      if (issued.ok) {
        metrics.issued({ renewal, self: false }, durationMs, issued.value.entitlement.ttlSeconds);
      }
      return issued;
    },
    async issueOwn(publicKey) {
      const startedMs = clock.monotonicMs();
      const svid = await issueOwn(own, publicKey, pipeline, Buffer.from(random(16)).toString('hex'));
      if (svid.ok) {
        metrics.issued({ renewal: false, self: true }, clock.monotonicMs() - startedMs, settings.x509Ttl / 1000);
      }
      return svid;
    },
    idOf: (workload) => fillTemplate(settings.idTemplate, settings.trustDomain, workload),
  };
}

function pipelineOf(parts: IssuingParts): IssuerParts {
  const { settings, trust, recorder, clock, random } = parts;
  const { trustDomain, cluster, idTemplate: template, limits: figures, x509Ttl } = settings;
  const attestor = createAttestor({
    audience: `sallyport-authority.${trustDomain}`,
    reviewer: cachedReviewer(parts.reviewer, clock),
    pods: parts.pods,
    namespaces: parts.namespaces,
    limits: issuanceLimits({ svidMs: x509Ttl, clock, random, figures }),
    gate: createGate({ atOnce: figures.reviewsAtOnce, waiting: figures.queue }),
    signers: trust.signers,
    bindings: tokenBindings(clock),
    idOf: (workload) => fillTemplate(template, trustDomain, workload),
    // One replica has no other to compare addresses with: `auto` cannot know that nothing rewrites them.
    sourceAddress: settings.attestSourceAddress === 'enforce' ? 'enforce' : 'audit',
    renewWithoutReviewMs: settings.renewWithoutReviewMax ?? x509Ttl,
    retryAfterSeconds: () => retryAfterSeconds(x509Ttl, random),
    clock,
  });
  return {
    attestor,
    rules: { trustDomain, cluster, template, ttlLimitSeconds: x509Ttl / 1000 },
    signers: trust.signers,
    bundles: trust.publication,
    throwawayKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    recorder,
    clock,
    random,
  };
}
