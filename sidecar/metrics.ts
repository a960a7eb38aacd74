import type { Counter, Gauge, Histogram, MetricsRegistry } from '../runtime/metrics.ts';

/** What the sidecar counts. Label values come from closed sets. */
export interface SidecarMetrics {
  readonly svidExpiry: Gauge<'kind'>;
  readonly svidRotations: Counter<'outcome'>;
  readonly identityState: Gauge<'state'>;
  readonly streamOpen: Gauge;
  readonly tokenAge: Gauge;
  readonly connectionsOpen: Gauge<'direction'>;
  readonly connections: Counter<'direction' | 'kind' | 'end'>;
  readonly refusals: Counter<'direction' | 'reason'>;
  readonly wouldRefuse: Counter<'direction' | 'reason'>;
  readonly accessMode: Gauge<'mode'>;
  readonly bytes: Counter<'direction' | 'way'>;
  readonly handshakeSeconds: Histogram<'direction'>;
  readonly appConnectSeconds: Histogram<'direction'>;
  readonly directoryEntries: Gauge;
  readonly directoryLookups: Counter<'result'>;
  readonly directoryLookupSeconds: Histogram;
  readonly endpointEjections: Counter;
  readonly verdictCache: Counter<'result'>;
  readonly tlsGeneration: Gauge;
  readonly policyGeneration: Gauge;
  readonly drainSeconds: Gauge;
  readonly eventsLost: Counter;
  readonly redactions: Counter;
}

const subSecond = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The sidecar's metrics on `registry`. */
export function sidecarMetrics(registry: MetricsRegistry): SidecarMetrics {
  const { counter, gauge, histogram } = registry;
  return {
    svidExpiry: gauge({ name: 'svid_expiry_timestamp_seconds', help: 'When the SVID held ends.', labels: ['kind'] }),
    svidRotations: counter({ name: 'svid_rotations_total', help: 'Attempts to obtain an SVID.', labels: ['outcome'] }),
    identityState: gauge({ name: 'identity_state', help: '1 for the state of the identity.', labels: ['state'] }),
    streamOpen: gauge({
      name: 'stream_open',
      help: '1 while there is a stream to the authority; without one what was received last stays in force.',
    }),
    tokenAge: gauge({ name: 'token_age_seconds', help: 'Age of the projected token file.' }),
    connectionsOpen: gauge({ name: 'connections_open', help: 'Connections carried now.', labels: ['direction'] }),
    connections: counter({
      name: 'connections_total',
      help: 'Connections carried, counted at their end.',
      labels: ['direction', 'kind', 'end'],
    }),
    refusals: counter({ name: 'refusals_total', help: 'Connections refused.', labels: ['direction', 'reason'] }),
    wouldRefuse: counter({
      name: 'would_refuse_total',
      help: 'Connections that passed by the mode alone.',
      labels: ['direction', 'reason'],
    }),
    accessMode: gauge({ name: 'access_mode', help: '1 for the mode in force.', labels: ['mode'] }),
    bytes: counter({
      name: 'bytes_total',
      help: 'Bytes of the application, towards the pod (in) and from it (out).',
      labels: ['direction', 'way'],
    }),
    handshakeSeconds: histogram({
      name: 'handshake_seconds',
      help: 'TLS handshake with both judgements.',
      labels: ['direction'],
      buckets: subSecond,
    }),
    appConnectSeconds: histogram({
      name: 'app_connect_seconds',
      help: 'Dial to the application (inbound) or to an endpoint (outbound).',
      labels: ['direction'],
      buckets: subSecond,
    }),
    directoryEntries: gauge({ name: 'directory_entries', help: 'Destinations known.' }),
    directoryLookups: counter({
      name: 'directory_lookups_total',
      help: 'Look-ups of destinations.',
      labels: ['result'],
    }),
    directoryLookupSeconds: histogram({
      name: 'directory_lookup_seconds',
      help: 'Look-ups that had to ask the authority.',
      buckets: subSecond,
    }),
    endpointEjections: counter({
      name: 'endpoint_ejections_total',
      help: 'Endpoints left out after failures in a row.',
    }),
    verdictCache: counter({
      name: 'verdict_cache_total',
      help: 'Look-ups of verdicts about peers.',
      labels: ['result'],
    }),
    tlsGeneration: gauge({ name: 'tls_generation', help: 'Generation of the TLS contexts in use.' }),
    policyGeneration: gauge({ name: 'policy_generation', help: 'Generation of the access policy in force.' }),
    drainSeconds: gauge({ name: 'drain_seconds', help: 'How long the last drain took.' }),
    eventsLost: counter({ name: 'audit_events_lost_total', help: 'Audit events lost on overflow.' }),
    redactions: counter({
      name: 'audit_redactions_total',
      help: 'Values withheld from audit events by the last filter.',
    }),
  };
}
