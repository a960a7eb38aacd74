import type { MetricsRegistry } from '../runtime/metrics.ts';
import type { AuditObserver } from './log.ts';

/** Defines the metrics of an audit log on a registry, and gives its observer. */
export function auditLogMetrics(registry: MetricsRegistry): AuditObserver {
  const appends = registry.counter({
    name: 'audit_appends_total',
    help: 'Audit records by class and outcome.',
    labels: ['class', 'outcome'],
  });
  const appendSeconds = registry.histogram({
    name: 'audit_append_duration_seconds',
    help: 'From append to as durable as the class asks.',
    labels: ['class'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  });
  const lost = registry.counter({ name: 'audit_events_lost_total', help: 'Buffered audit events that were dropped.' });
  const redactions = registry.counter({
    name: 'audit_redactions_total',
    help: 'Values the last filter took out of audit events.',
  });
  return {
    appended(eventClass, outcome, milliseconds) {
      appends.inc({ class: eventClass, outcome });
      appendSeconds.observe({ class: eventClass }, milliseconds / 1_000);
    },
    lost: (count) => lost.inc(count),
    redacted: () => redactions.inc(),
  };
}
