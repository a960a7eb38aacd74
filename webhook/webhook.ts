import { createAuditLog } from '../audit/log.ts';
import type { Segments } from '../audit/segments/segments.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ClusterApi } from '../runtime/cluster/kubernetes-client.ts';
import { healthApp } from '../runtime/health-app.ts';
import { httpService, type ListenAddress } from '../runtime/http-server.ts';
import { httpsService } from '../runtime/https-server.ts';
import { logKeys } from '../runtime/log-keys.ts';
import type { Logger } from '../runtime/logger.ts';
import { createRegistry } from '../runtime/metrics.ts';
import type { RandomBytes } from '../runtime/random.ts';
import { type Supervisor, supervise } from '../runtime/supervisor.ts';
import { productVersion } from '../runtime/version.ts';
import { createAdmit } from './admission/admit.ts';
import { reviewSettingsOf } from './admission/review-settings.ts';
import { clusterPorts } from './cluster/cluster-ports.ts';
import { exemptionKeeper } from './cluster/exemption-keeper.ts';
import { networkPolicyServices } from './cluster/network-policies.ts';
import { webhookMetrics } from './metrics.ts';
import { admissionApp } from './server/app.ts';
import { createServing } from './serving/serving.ts';
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

/** The whole program: metrics -> audit log -> watches -> serving certificate and Leases -> admission -> registrations, reconcilers. */
export function createWebhook(options: WebhookOptions): Webhook {
  const { settings, api, clock, random, logger } = options;
  const registry = createRegistry({ program: 'webhook', version: productVersion, processMetrics: true });
  const metrics = webhookMetrics(registry);
  const listen = { host: settings.listenAddress, clock };
  const health = httpService({
    ...listen,
    name: 'metrics',
    port: settings.metricsPort,
    handler: healthApp({
      registry: { ...registry, print: printMetrics },
      supervisor: { isReady: () => supervisor.isReady(), services: () => supervisor.services() },
    }),
    drainMs: 1_000,
  });
  const audit = createAuditLog({
    ...options,
    program: 'webhook',
    replica: { pod: settings.podName, podUid: settings.podUid, node: settings.nodeName, version: productVersion },
    cluster: settings.cluster,
    trustDomain: settings.trustDomain,
    observer: metrics.audit,
  });
  const ports = clusterPorts({ api, observe: metrics.watch, clock, random, logger });
  const serving = createServing({ api, settings, observer: metrics, clock, random, logger });
  const admit = createAdmit({
    ports,
    settings: reviewSettingsOf(settings),
    isSynced: ports.isSynced,
    audit,
    auditOnFailure: settings.auditOnFailure,
    observer: metrics,
    clock,
    logger,
  });
  const failed = (failure: { readonly code: string }, correlationId: string): void => {
    metrics.failure(failure.code);
    logger.error({ [logKeys.error]: failure, correlationId }, 'review failed');
  };
  const { bodyLimitBytes } = settings;
  const server = httpsService({
    ...listen,
    name: 'admission',
    port: settings.port,
    handler: admissionApp({ admit, bodyLimitBytes, clock, random, observer: { ...metrics.app, failed } }),
    tls: serving.certificate,
    drainMs: settings.drainTimeout,
  });
  const led = { api, isLeader: serving.isLeader, clock, random, logger };
  const services = [
    health,
    audit,
    ...ports.services,
    ...serving.services,
    server,
    serving.registrar,
    ...networkPolicyServices({ ...led, observe: metrics.watch, namespaces: ports.caches.namespaces }),
    exemptionKeeper({ ...led, exemptions: ports.exemptions, audit, observer: metrics }),
  ];
  const supervisor = supervise(services, {
    clock,
    logger,
    stopTimeoutMs: settings.drainTimeout + 5_000,
    onService: registry.serviceUp,
  });
  return { supervisor, address: server.address, metricsAddress: health.address };

  /** Sizes and times are looked up when somebody asks. */
  function printMetrics(): Promise<string> {
    for (const [kind, cache] of Object.entries(ports.caches.rbac)) {
      metrics.rbacObjects(kind, cache.all().length);
    }
    metrics.certificateExpiry(serving.certificate.pair().notAfter);
    return registry.print();
  }
}
