import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createAuditLog } from '../../audit/log.ts';
import { fileSegments } from '../../audit/segments/file-segments.ts';
import { systemClock as clock } from '../../runtime/clock.ts';
import { deadlineIn } from '../../runtime/deadline.ts';
import { httpsService } from '../../runtime/https-server.ts';
import { createLogger } from '../../runtime/logger.ts';
import { createRegistry } from '../../runtime/metrics.ts';
import { systemRandom as random } from '../../runtime/random.ts';
import type { Service } from '../../runtime/service.ts';
import { createAdmit } from '../../webhook/admission/admit.ts';
import { memoryCluster } from '../../webhook/admission/memory-cluster.ts';
import type { JsonObject } from '../../webhook/admission/request.ts';
import { reviewSettings } from '../../webhook/admission/review-settings.ts';
import { webhookMetrics } from '../../webhook/metrics.ts';
import { admissionApp } from '../../webhook/server/app.ts';
import { createServingPair } from '../../webhook/serving/certificate.ts';
import type { AdmissionLoad } from './admission-load-messages.ts';
import { benchAccount, benchDeployer, benchNamespace } from './admission-pod.ts';
import { admissionReviews } from './admission-reviews.ts';

const rolesSeeded = 2_000;
const dnsName = 'sallyport-webhook.sallyport-system.svc';

/** A listener under load, and what to send it. */
export interface AdmissionServer {
  readonly load: Pick<AdmissionLoad, 'port' | 'ca' | 'servername' | 'reviews'>;
  stop(): Promise<void>;
}

/** The listener as the program composes it, audit log in files included; only the cluster is a set of objects. */
export async function startAdmissionServer(directory: string): Promise<AdmissionServer> {
  const settings = reviewSettings({ SALLYPORT_TRUST_DOMAIN: 'bench.example' });
  const ports = memoryCluster(seededObjects());
  const logger = createLogger({ program: 'webhook', level: 'error', write: (line) => process.stderr.write(line) });
  const metrics = webhookMetrics(createRegistry({ program: 'webhook', version: 'bench' }));
  const stdout = createWriteStream('/dev/null');
  const audit = createAuditLog({
    program: 'webhook',
    replica: { pod: 'bench', podUid: 'bench', node: 'bench', version: 'bench' },
    cluster: 'bench',
    trustDomain: settings.policy.trustDomain,
    segments: fileSegments({ directory: join(directory, 'audit') }),
    writeLine: (line) => stdout.write(`${line}\n`),
    observer: metrics.audit,
    clock,
    random,
    logger,
  });
  const admit = createAdmit({
    ports,
    settings,
    isSynced: () => true,
    audit,
    auditOnFailure: 'closed',
    observer: metrics,
    clock,
    logger,
  });
  const app = admissionApp({
    admit,
    bodyLimitBytes: 8 * 1024 * 1024,
    clock,
    random,
    observer: { ...metrics.app, failed: (failure) => console.error(`admission: ${failure.code}`) },
  });
  const pair = createServingPair({ dnsNames: [dnsName], replica: 'bench', now: clock.now(), random });
  const server = httpsService({
    name: 'admission',
    host: '127.0.0.1',
    port: 0,
    handler: app,
    tls: { current: () => ({ cert: pair.certificatePem, key: pair.privateKeyPem }), onChange: () => () => undefined },
    drainMs: 100,
    clock,
  });
  const services: readonly Service[] = [audit, server];
  for (const service of services) {
    await service.start(new AbortController().signal);
  }
  return {
    load: {
      port: server.address().port,
      ca: pair.caPem,
      servername: dnsName,
      reviews: await admissionReviews(ports, settings),
    },
    async stop() {
      for (const service of services.toReversed()) {
        await service.stop(deadlineIn(clock, 1_000));
      }
      stdout.end();
    },
  };
}

/** A cluster of some size: one team that deploys and one account of ours among 2,000 roles and bindings of others, Secrets and ConfigMaps that names may mean. */
function seededObjects(): readonly JsonObject[] {
  const others = Array.from({ length: rolesSeeded }, (_, index) => {
    const namespace = `team-${index % 100}`;
    return grant(namespace, `role-${index}`, { kind: 'ServiceAccount', namespace, name: `app-${index % 40}` }, [
      rule([''], ['configmaps', 'services'], ['get', 'list', 'watch']),
      rule(['batch'], ['jobs'], ['create', 'delete']),
    ]);
  }).flat();
  const ours = (kind: string, name: string): JsonObject => ({
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace: benchNamespace },
  });
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: benchNamespace, labels: optedIn } },
    ...others,
    ...grant(benchNamespace, 'deployer', { kind: 'Group', name: benchDeployer.groups[0] ?? '' }, [
      rule(['', 'apps', 'batch'], ['*'], ['*']),
    ]),
    ...grant(
      benchNamespace,
      'checkout',
      { kind: 'ServiceAccount', namespace: benchNamespace, name: benchAccount },
      ['configmaps', 'endpoints', 'pods', 'services'].map((resource) => rule([''], [resource], ['get', 'list'])),
    ),
    ...Array.from({ length: 40 }, (_, index) => ours('Secret', `settings-${index}`)),
    ...Array.from({ length: 40 }, (_, index) => ours('ConfigMap', `config-${index}`)),
    ours('ServiceAccount', benchAccount),
  ];
}

const optedIn: JsonObject = { 'sallyport.dev/identity': 'enabled', 'sallyport.dev/policy': 'enforce' };

const rule = (apiGroups: readonly string[], resources: readonly string[], verbs: readonly string[]): JsonObject => ({
  apiGroups: [...apiGroups],
  resources: [...resources],
  verbs: [...verbs],
});

function grant(namespace: string, name: string, subject: JsonObject, rules: readonly JsonObject[]): JsonObject[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name, namespace };
  return [
    { apiVersion, kind: 'Role', metadata, rules: [...rules] },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [subject],
    },
  ];
}
