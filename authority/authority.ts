import { createAuditLog } from '../audit/log.ts';
import type { Segments } from '../audit/segments/segments.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ClusterApi } from '../runtime/cluster/kubernetes-client.ts';
import { leaseService } from '../runtime/cluster/lease.ts';
import { healthApp } from '../runtime/health-app.ts';
import { httpService, type ListenAddress } from '../runtime/http-server.ts';
import { httpsService } from '../runtime/https-server.ts';
import { logKeys } from '../runtime/log-keys.ts';
import type { Logger } from '../runtime/logger.ts';
import { createRegistry } from '../runtime/metrics.ts';
import type { RandomBytes } from '../runtime/random.ts';
import { type Supervisor, supervise } from '../runtime/supervisor.ts';
import { auditRecorder } from './audit-recorder.ts';
import { clusterFirstContactStore } from './cluster/cluster-first-contact-store.ts';
import { clusterNamespaceLookup } from './cluster/cluster-namespace-lookup.ts';
import { clusterPodLookup } from './cluster/cluster-pod-lookup.ts';
import { clusterTokenReviewer } from './cluster/cluster-token-reviewer.ts';
import { clusterTrustBundleStore } from './cluster/cluster-trust-bundle-store.ts';
import { createWatches } from './cluster/watches.ts';
import { createIssuing } from './issuing.ts';
import { keyTimes } from './keys/key-times.ts';
import { forwardingLimit } from './limits/forwarding-limit.ts';
import { leaseName } from './marks.ts';
import { authorityMetrics } from './metrics.ts';
import { ownIdentity } from './own-identity.ts';
import { createApp } from './server/app.ts';
import { callerOf, svidOf } from './server/caller.ts';
import { streamSources } from './server/stream-sources.ts';
import { streamsService } from './server/streams-service.ts';
import { createStreams } from './server/workload-streams.ts';
import type { AuthoritySettings } from './settings.ts';
import { createTrust } from './trust.ts';
import { boundedDenials } from './unproven-denials.ts';

export interface AuthorityOptions {
  readonly settings: AuthoritySettings;
  readonly api: ClusterApi;
  readonly segments: Segments;
  /** Gets each audit record: stdout. */
  readonly writeLine?: (line: string) => void;
  readonly version: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

export interface Authority {
  readonly supervisor: Supervisor;
  /** Where the API listens, once started. */
  address(): ListenAddress;
  metricsAddress(): ListenAddress;
}

/** The whole program: metrics -> audit log -> watches -> Lease -> keyring and publication -> own identity -> API -> streams. */
export function createAuthority(options: AuthorityOptions): Authority {
  const { settings, api, clock, random, logger } = options;
  const { trustDomain, idTemplate: template, cluster } = settings;
  const listen = { host: settings.listenAddress, clock };
  const times = keyTimes(settings.x509Ttl, settings.keyPeriod);
  const registry = createRegistry({ program: 'authority', version: options.version, processMetrics: true });
  const metrics = authorityMetrics(registry);
  const health = httpService({
    ...listen,
    name: 'metrics',
    port: settings.metricsPort,
    handler: healthApp({
      registry,
      supervisor: { isReady: () => supervisor.isReady(), services: () => supervisor.services() },
      remarks: () => [{ id: 'signing', isGood: true, detail: trust.signers.signer().kind }],
    }),
    drainMs: 1_000,
  });
  const audit = createAuditLog({
    ...options,
    program: 'authority',
    replica: { pod: settings.podName, podUid: settings.podUid, node: settings.nodeName, version: options.version },
    cluster,
    trustDomain,
    observer: metrics.audit,
  });
  const recorder = boundedDenials(auditRecorder(audit), { sink: audit, clock });
  const watches = createWatches({ api, observe: metrics.watch, clock, random, logger });
  const pods = clusterPodLookup(api, watches.pods);
  const namespaces = clusterNamespaceLookup(watches.namespaces);
  const lease = leaseService({
    ...options,
    namespace: settings.podNamespace,
    name: leaseName,
    identity: settings.podUid,
    durationMs: 3 * times.beatMs,
  });
  const trust = createTrust({
    trustDomain,
    times,
    refreshHintSeconds: Math.round(settings.refreshHint / 1000),
    store: clusterTrustBundleStore(api, trustDomain),
    firstContactStore: clusterFirstContactStore(api),
    recorder,
    isHolder: lease.held,
    optedIn: () => namespaces.optedIn().map(({ name }) => name),
    pods: watches.pods.all,
    metrics,
    clock,
    random,
    logger,
  });
  const reviewer = clusterTokenReviewer(api);
  const issuing = createIssuing({ settings, reviewer, pods, namespaces, trust, recorder, metrics, clock, random });
  const identity = ownIdentity({ issue: issuing.issueOwn, clock, random, logger });
  const bundles = trust.publication;
  const streams = createStreams({
    sources: streamSources({ watches, pods, namespaces, bundles, trustDomain, template }),
    address: () => `${hostOf(settings.podIp)}:${server.address().port}`,
    maximum: settings.limits.streams,
    splayMs: times.beatMs,
    onCount: metrics.streams,
    clock,
    random,
  });
  const judging = { bundles, pods, idOf: issuing.idOf, clock };
  const app = createApp({
    issue: issuing.issue,
    caller: (request) => callerOf(request.socket, judging),
    svid: (request) => svidOf(request.socket, judging),
    streams,
    acknowledge: trust.acknowledge,
    mayForward: forwardingLimit(clock),
    forward: audit.appendForwarded,
    onRefusal: ({ reason, detail }, route, traceId) =>
      logger.info({ [logKeys.reason]: reason, detail, route, [logKeys.traceId]: traceId }, 'request refused'),
    random,
  });
  const server = httpsService({
    ...listen,
    name: 'api',
    port: settings.port,
    handler: app,
    tls: identity,
    clientCertificates: 'optional',
    drainMs: settings.drainTimeout,
  });
  watches.onAnyChange(streams.refresh);
  watches.namespaces.onChange(trust.service.nudge);
  bundles.onChange(streams.refresh);
  const services = [health, audit, ...watches.all, lease, trust.service, identity, server, streamsService(streams)];
  const supervisor = supervise(services, {
    clock,
    logger,
    stopTimeoutMs: settings.drainTimeout + 5_000,
    onService: registry.serviceUp,
  });
  return { supervisor, address: server.address, metricsAddress: health.address };
}

function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
