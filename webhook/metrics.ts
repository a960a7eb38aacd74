import { auditLogMetrics } from '../audit/log-metrics.ts';
import { watchMetrics } from '../runtime/cluster/watch-metrics.ts';
import type { MetricsRegistry } from '../runtime/metrics.ts';
import type { AppObserver } from './server/app.ts';

/** Kinds that have a label value of their own; every other one is `other`, so that nobody outside can make series. */
const labelledKinds = new Set([
  'Pod',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'ReplicationController',
  'PodTemplate',
  'Secret',
  'ClusterRoleBinding',
  'Exemption',
]);

/** The metrics the webhook owns, as functions of what happened. Label values come from closed sets. */
export function webhookMetrics(registry: MetricsRegistry) {
  const requests = registry.counter({
    name: 'admission_requests_total',
    help: 'Reviews answered, by what became of them.',
    labels: ['operation', 'kind', 'outcome', 'dry_run'],
  });
  const duration = registry.histogram({
    name: 'admission_duration_seconds',
    help: 'From the first byte of a review to its answer.',
    labels: ['path'],
    buckets: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  });
  const bytes = registry.histogram({
    name: 'admission_body_bytes',
    help: 'Size of reviews.',
    buckets: [1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 8_388_608],
  });
  const findings = registry.counter({
    name: 'findings_total',
    help: 'Findings, by rule and mode.',
    labels: ['rule', 'mode'],
  });
  const undecided = registry.counter({
    name: 'undecided_total',
    help: 'Rules that could not decide.',
    labels: ['rule', 'reason'],
  });
  const failures = registry.counter({
    name: 'failures_total',
    help: 'Reviews that got no verdict: our own failures, and envelopes refused.',
    labels: ['code'],
  });
  const injections = registry.counter({
    name: 'injections_total',
    help: 'Pods seen by the injector, and why it left some alone.',
    labels: ['result', 'reason'],
  });
  const exemptionUses = registry.counter({
    name: 'exemption_uses_total',
    help: 'Findings lifted by an exemption.',
    labels: ['rule'],
  });
  const exemptions = registry.gauge({ name: 'exemptions', help: 'Exemptions, by state.', labels: ['state'] });
  const soonestExpiry = registry.gauge({
    name: 'exemption_expiry_timestamp_seconds',
    help: 'When the next valid exemption ends; 0 when there is none.',
  });
  const rbacObjects = registry.gauge({ name: 'rbac_objects', help: 'RBAC objects known.', labels: ['kind'] });
  const drift = registry.counter({
    name: 'registration_drift_total',
    help: 'Times our webhook configurations were not as we left them.',
  });
  const failurePolicy = registry.gauge({
    name: 'registration_failure_policy',
    help: '1 where an entry fails closed, 0 where it fails open.',
    labels: ['webhook'],
  });
  const certificateExpiry = registry.gauge({
    name: 'serving_certificate_expiry_timestamp_seconds',
    help: 'When the serving certificate ends.',
  });
  const leaseHeld = registry.gauge({ name: 'lease_held', help: 'Whether this replica leads.' });
  const audit = auditLogMetrics(registry);
  const watch = watchMetrics(registry);
  const app: Pick<AppObserver, 'received' | 'answered' | 'refused'> = {
    received: (_half, size) => bytes.observe(size),
    answered: (half, milliseconds) => duration.observe({ path: half }, milliseconds / 1_000),
    refused: (code) => failures.inc({ code }),
  };
  return {
    app,
    audit,
    watch,
    request: (labels: { operation: string; kind: string; outcome: string; isDryRun: boolean }) =>
      requests.inc({
        operation: labels.operation,
        kind: labelledKinds.has(labels.kind) ? labels.kind : 'other',
        outcome: labels.outcome,
        dry_run: String(labels.isDryRun),
      }),
    finding: (rule: string, mode: string) => findings.inc({ rule, mode }),
    undecided: (rule: string, reason: string) => undecided.inc({ rule, reason }),
    failure: (code: string) => failures.inc({ code }),
    injection: (result: string, reason: string) => injections.inc({ result, reason }),
    exemptionUse: (rule: string) => exemptionUses.inc({ rule }),
    exemptions: (state: string, count: number) => exemptions.set({ state }, count),
    soonestExpiry: (seconds: number) => soonestExpiry.set(seconds),
    rbacObjects: (kind: string, count: number) => rbacObjects.set({ kind }, count),
    drifted: () => drift.inc(),
    failurePolicy: (webhook: string, isFail: boolean) => failurePolicy.set({ webhook }, isFail ? 1 : 0),
    certificateExpiry: (at: Date) => certificateExpiry.set(at.getTime() / 1_000),
    leaseHeld: (isHeld: boolean) => leaseHeld.set(isHeld ? 1 : 0),
  };
}

export type WebhookMetrics = ReturnType<typeof webhookMetrics>;
