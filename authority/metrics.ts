import type { AuditObserver } from '../audit/log.ts';
import { auditLogMetrics } from '../audit/log-metrics.ts';
import { type ObserveWatch, watchMetrics } from '../runtime/cluster/watch-metrics.ts';
import type { MetricsRegistry } from '../runtime/metrics.ts';
import type { AttestationFacts } from './attestation/evidence.ts';
import type { KeyState } from './keys/key-schedule.ts';
import type { Refusal } from './refusal.ts';

/** What the authority counts. Label values come from closed sets. */
export interface AuthorityMetrics {
  readonly audit: AuditObserver;
  readonly watch: ObserveWatch;
  attested(facts: AttestationFacts, refusal: Refusal | undefined, durationMs: number): void;
  issued(
    kind: { readonly renewal: boolean; readonly self: boolean },
    durationMs: number,
    lifetimeSeconds: number,
  ): void;
  keys(states: readonly KeyState[], soonestSignUntil: Date | undefined): void;
  /** Whether keys wait until they are known everywhere, and no workload gets an SVID. */
  holdDown(isHolding: boolean): void;
  bundle(sequence: bigint, unacknowledged: number): void;
  streams(open: number): void;
  leaseHeld(isHeld: boolean): void;
}

const fast = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const lives = [10, 60, 300, 900, 3_600, 14_400, 43_200, 86_400];

/** Defines the metrics on a registry. */
export function authorityMetrics(registry: MetricsRegistry): AuthorityMetrics {
  const attestations = registry.counter({
    name: 'attestations_total',
    help: 'Requests for an identity, by outcome and reason.',
    labels: ['method', 'outcome', 'reason'],
  });
  const attestationSeconds = registry.histogram({
    name: 'attestation_duration_seconds',
    help: 'From request to answer.',
    labels: ['method', 'outcome'],
    buckets: fast,
  });
  const issuedTotal = registry.counter({
    name: 'svids_issued_total',
    help: 'SVIDs that were recorded and handed out.',
    labels: ['kind', 'renewal', 'outcome'],
  });
  const issueSeconds = registry.histogram({
    name: 'svid_issue_duration_seconds',
    help: 'From request to recorded SVID.',
    labels: ['kind'],
    buckets: fast,
  });
  const lifetime = registry.histogram({
    name: 'svid_lifetime_seconds',
    help: 'Lives of SVIDs handed out.',
    labels: ['kind'],
    buckets: lives,
  });
  const signingKeys = registry.gauge({
    name: 'signing_keys',
    help: 'Published keys by state.',
    labels: ['kind', 'state'],
  });
  const keyExpiry = registry.gauge({
    name: 'signing_key_expiry_timestamp_seconds',
    help: 'When the last key that may sign stops.',
    labels: ['kind'],
  });
  const holdDown = registry.gauge({
    name: 'hold_down',
    help: '1 while new keys wait until they are known everywhere: no workload gets an SVID.',
  });
  const sequence = registry.gauge({ name: 'bundle_sequence', help: 'Sequence of the published bundle.' });
  const unacked = registry.gauge({
    name: 'bundle_unacked_streams',
    help: 'Running pods that have not loaded the published bundle.',
  });
  const streams = registry.gauge({ name: 'streams', help: 'Open streams.' });
  const lease = registry.gauge({ name: 'lease_held', help: '1 while this replica writes the TrustBundle.' });
  const audit = auditLogMetrics(registry);
  const watch = watchMetrics(registry);
  return {
    audit,
    watch,
    attested({ method }, refusal, durationMs) {
      const outcome = refusal === undefined ? 'granted' : 'refused';
      attestations.inc({ method, outcome, reason: refusal?.reason ?? '' });
      attestationSeconds.observe({ method, outcome }, durationMs / 1000);
    },
    issued({ renewal, self }, durationMs, lifetimeSeconds) {
      const kind = self ? 'x509-own' : 'x509';
      issuedTotal.inc({ kind, renewal: String(renewal), outcome: 'granted' });
      issueSeconds.observe({ kind }, durationMs / 1000);
      lifetime.observe({ kind }, lifetimeSeconds);
    },
    keys(states, soonestSignUntil) {
      for (const state of ['current', 'next', 'draining'] as const) {
        signingKeys.set({ kind: 'x509', state }, states.filter((one) => one === state).length);
      }
      keyExpiry.set({ kind: 'x509' }, (soonestSignUntil?.getTime() ?? 0) / 1000);
    },
    holdDown: (isHolding) => holdDown.set(isHolding ? 1 : 0),
    bundle(current, unacknowledged) {
      sequence.set(Number(current));
      unacked.set(unacknowledged);
    },
    streams: (open) => streams.set(open),
    leaseHeld: (isHeld) => lease.set(isHeld ? 1 : 0),
  };
}
