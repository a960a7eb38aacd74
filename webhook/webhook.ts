import { createAuditLog } from '../audit/log.ts';
import type { Segments } from '../audit/segments/segments.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ClusterApi } from '../runtime/cluster/kubernetes-client.ts';
import { leaseService } from '../runtime/cluster/lease.ts';
import { watchCache } from '../runtime/cluster/watch-cache.ts';
import { httpService, type ListenAddress } from '../runtime/http-server.ts';
import { httpsService } from '../runtime/https-server.ts';
import { logKeys } from '../runtime/log-keys.ts';
import type { Logger } from '../runtime/logger.ts';
import { createRegistry } from '../runtime/metrics.ts';
import type { RandomBytes } from '../runtime/random.ts';
import { type Supervisor, supervise } from '../runtime/supervisor.ts';
import { createAdmit } from './admission/admit.ts';
import { injectorVersion, reviewSettingsOf } from './admission/review-settings.ts';
import { clusterPorts } from './cluster/cluster-ports.ts';
import { exemptionKeeper } from './cluster/exemption-keeper.ts';
import {
  networkPolicies,
  networkPoliciesPath,
  ownPolicySelector,
  parseHeldPolicy,
  podsPath,
} from './cluster/network-policies.ts';
import { parsePodPorts, podPortsSelector } from './cluster/pod-ports.ts';
import { webhookMetrics } from './metrics.ts';
import { namespaceMode } from './policy/modes.ts';
import { admissionApp } from './server/app.ts';
import { healthApp } from './server/health.ts';
import { ownLease } from './serving/own-lease.ts';
import { registrar } from './serving/registrar.ts';
import { servingCertificate } from './serving/serving-certificate.ts';
import type { WebhookSettings } from './settings.ts';

export interface WebhookOptions {
  readonly settings: WebhookSettings;
  readonly api: ClusterApi;
  readonly segments: Segments;
  /** Gets each audit record: stdout. */
  readonly writeLine?: (line: string) => void;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

export interface Webhook {
  readonly supervisor: Supervisor;
  /** Where admission listens, once started. */
  address(): ListenAddress;
  metricsAddress(): ListenAddress;
}

const leaseMs = 15_000;

/** The whole program: metrics -> audit log -> watches -> serving certificate and Leases -> admission -> registrations, reconcilers. */
export function createWebhook(options: WebhookOptions): Webhook {
  const { settings, api, clock, random, logger } = options;
  const { systemNamespace, podName, podUid } = settings;
  const review = reviewSettingsOf(settings);
  const registry = createRegistry({ program: 'webhook', version: injectorVersion, processMetrics: true });
  const metrics = webhookMetrics(registry);
  const listen = { host: settings.listenAddress, clock };
  const health = httpService({
    ...listen,
    name: 'metrics',
    port: settings.metricsPort,
    handler: healthApp({ registry: { ...registry, print: printMetrics }, isReady: () => supervisor.isReady() }),
    drainMs: 1_000,
  });
  const audit = createAuditLog({
    ...options,
    program: 'webhook',
    replica: { pod: podName, podUid, node: settings.nodeName, version: injectorVersion },
    cluster: settings.cluster,
    trustDomain: settings.trustDomain,
    observer: metrics.audit,
  });
  const ports = clusterPorts({ api, clock, random, logger });
  const watched = { api, clock, random, logger };
  const pods = watchCache({ ...watched, path: podsPath, labelSelector: podPortsSelector, parse: parsePodPorts });
  const policies = watchCache({
    ...watched,
    path: networkPoliciesPath,
    labelSelector: ownPolicySelector,
    parse: parseHeldPolicy,
  });
  const certificate = servingCertificate({
    dnsNames: [`${settings.service}.${systemNamespace}.svc`],
    replica: podName,
    clock,
    random,
  });
  const lease = leaseService({
    ...watched,
    namespace: systemNamespace,
    name: settings.service,
    identity: podUid,
    durationMs: leaseMs,
  });
  lease.onChange(metrics.leaseHeld);
  const app = admissionApp({
    admit: createAdmit({
      ports,
      settings: review,
      isSynced: ports.isSynced,
      audit,
      auditOnFailure: settings.auditOnFailure,
      observer: metrics,
      clock,
      logger,
    }),
    bodyLimitBytes: settings.bodyLimitBytes,
    clock,
    random,
    observer: {
      ...metrics.app,
      failed(failure, correlationId) {
        metrics.failure(failure.code);
        logger.error({ [logKeys.error]: failure, correlationId }, 'review failed');
      },
    },
  });
  const server = httpsService({
    ...listen,
    name: 'admission',
    port: settings.port,
    handler: app,
    tls: certificate,
    drainMs: settings.drainTimeout,
  });
  const isLeader = lease.held;
  const services = [
    health,
    audit,
    ...ports.services,
    pods,
    policies,
    certificate,
    ownLease({
      api,
      namespace: systemNamespace,
      podName,
      podUid,
      authorities: certificate.authorities,
      onAuthorities: certificate.onAuthorities,
      clock,
      logger,
    }),
    lease,
    server,
    registrar({
      api,
      settings,
      isLeader,
      ownAuthority: () => certificate.pair().caPem,
      observer: { drifted: metrics.drift, failurePolicy: metrics.failurePolicy },
      clock,
      logger,
    }),
    networkPolicies({
      api,
      pods,
      policies,
      namespaces: ports.caches.namespaces,
      isEnforced: (name) => namespaceMode(ports.caches.namespaces.get('', name)) === 'enforce',
      isLeader,
      clock,
      logger,
    }),
    exemptionKeeper({ exemptions: ports.exemptions, isLeader, audit, observer: metrics, clock, logger }),
  ];
  const supervisor = supervise(services, { clock, logger, stopTimeoutMs: settings.drainTimeout + 5_000 });
  return { supervisor, address: server.address, metricsAddress: health.address };

  /** Sizes and times are looked up when somebody asks. */
  function printMetrics(): Promise<string> {
    for (const [kind, cache] of Object.entries(ports.caches.rbac)) {
      metrics.rbacObjects(kind, cache.all().length);
    }
    metrics.certificateExpiry(certificate.pair().notAfter);
    return registry.print();
  }
}
