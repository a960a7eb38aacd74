import { stringify } from 'yaml';
import { z } from 'zod';
import { type MemorySegments, memorySegments } from '../../audit/segments/memory-segments.ts';
import { webhookAccess } from '../../manifests/roles.ts';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { clusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { createLogger } from '../../runtime/logger.ts';
import { systemRandom } from '../../runtime/random.ts';
import { readWebhookSettings } from '../../webhook/settings.ts';
import { createWebhook, type Webhook } from '../../webhook/webhook.ts';
import { type FakeCluster, startApiServer } from '../fakes/api-server/api-server.ts';

/** A cluster with the webhook in it, as its own account of least RBAC, reached through its Service. */
export interface WebhookTown {
  readonly cluster: FakeCluster;
  readonly webhook: Webhook;
  readonly segments: MemorySegments;
  /** Audit events so far, in order. */
  events(): readonly { readonly event: string; readonly [member: string]: unknown }[];
  metrics(): Promise<string>;
  /** Moves the webhook's wall clock on, and nobody else's. */
  shiftWall(ms: number): void;
  stop(): Promise<void>;
}

const namespace = 'sallyport-system';
export const townImage = `registry.example/sallyport@sha256:${'a'.repeat(64)}`;

const podName = 'sallyport-webhook-1';

const ground = `
apiVersion: v1
kind: Namespace
metadata: { name: ${namespace} }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: sallyport-webhook, namespace: ${namespace} }
---
apiVersion: v1
kind: Service
metadata: { name: sallyport-webhook, namespace: ${namespace} }
spec: { ports: [{ name: https, port: 443, targetPort: 8443 }] }
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: { name: sallyport }
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: sallyport }
`;

export interface WebhookTownOptions {
  /** Settings beside the usual ones. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Manifests of what was there before there was a webhook. */
  readonly before?: string;
}

/** Starts both; resolves when every entry is registered and answered by the webhook. */
export async function startWebhookTown({ environment = {}, before }: WebhookTownOptions = {}): Promise<WebhookTown> {
  const cluster = await startApiServer({ kubelet: 'absent' });
  const access = webhookAccess(namespace).map((object) => stringify(object));
  await cluster.apply([ground, ...access, ...(before === undefined ? [] : [before])].join('\n---\n'));
  const podUid = await createOwnPod(cluster);
  const token = await cluster.issueToken({ namespace, serviceAccount: 'sallyport-webhook' });
  const segments = memorySegments();
  let shiftMs = 0;
  const clock: Clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + shiftMs) };
  const webhook = createWebhook({
    settings: readWebhookSettings({
      SALLYPORT_TRUST_DOMAIN: 'prod.example',
      SALLYPORT_POD_NAME: podName,
      SALLYPORT_POD_UID: podUid,
      SALLYPORT_INJECTION_IMAGE: townImage,
      SALLYPORT_LISTEN_ADDRESS: '127.0.0.1',
      SALLYPORT_PORT: '0',
      SALLYPORT_METRICS_PORT: '0',
      SALLYPORT_KUBERNETES_HOST: '127.0.0.1',
      SALLYPORT_BREAK_GLASS_GROUPS: '',
      ...environment,
    }),
    api: clusterApi(cluster.tokenKubeConfig(token), { timeoutMs: 5_000 }),
    segments,
    clock,
    random: systemRandom,
    logger: createLogger({ program: 'webhook', level: 'warn', write: (line) => process.stderr.write(line) }),
  });
  await webhook.supervisor.start();
  await cluster.apply(endpointSlice(webhook.address().port));
  await until('every entry is registered for good', async () =>
    failsClosed(await cluster.admin.get(`${validating}/sallyport`)),
  );
  return {
    cluster,
    webhook,
    segments,
    events: () => segments.lines.map((line) => eventOf(line)),
    metrics: async () => (await fetch(`http://127.0.0.1:${webhook.metricsAddress().port}/metrics`)).text(),
    shiftWall(ms) {
      shiftMs += ms;
    },
    async stop() {
      await webhook.supervisor.stop();
      await cluster.stop();
    },
  };
}

/** The pod that the webhook stands for, which owns its Lease; gives its UID. */
async function createOwnPod(cluster: FakeCluster): Promise<string> {
  const created = await cluster.admin.create(`/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name: podName },
    spec: {
      serviceAccountName: 'sallyport-webhook',
      containers: [{ name: 'webhook', image: 'registry.example/webhook' }],
    },
  });
  return z.object({ metadata: z.object({ uid: z.string() }) }).parse(created).metadata.uid;
}

/** Waits, at most 10 s, until something holds. */
export async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > end) {
      throw new Error(`not within 10 s: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const validating = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

function failsClosed(configuration: unknown): boolean {
  return JSON.stringify(configuration).includes('"failurePolicy":"Fail"');
}

function endpointSlice(port: number): string {
  return `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: sallyport-webhook-1, namespace: ${namespace}, labels: { kubernetes.io/service-name: sallyport-webhook } }
addressType: IPv4
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
ports: [{ name: https, port: ${port}, protocol: TCP }]
`;
}

function eventOf(line: string): { readonly event: string; readonly [member: string]: unknown } {
  const value: unknown = JSON.parse(line);
  return { event: '', ...(typeof value === 'object' ? value : {}) };
}
