import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { webhookAccess } from '../../manifests/roles.ts';
import {
  authorityPodUid,
  startTown,
  type Town,
  townAuthorityId,
  townDomain,
} from '../../test/builders/authority-town.ts';
import { townImage } from '../../test/builders/webhook-town.ts';

/** A cluster in this process, and the environment that each program of ours would have in it. */
export interface StartTown {
  authority(): Promise<Readonly<Record<string, string>>>;
  webhook(): Promise<Readonly<Record<string, string>>>;
  /** Of a pod that did not exist before; the authority must be running. */
  sidecar(): Promise<Readonly<Record<string, string>>>;
  stop(): Promise<void>;
}

const systemNamespace = 'sallyport-system';
const webhookObjects: readonly object[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sallyport-webhook', namespace: systemNamespace } },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'sallyport-webhook', namespace: systemNamespace },
    spec: { ports: [{ name: 'https', port: 443, targetPort: 8443 }] },
  },
  ...['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'].map((kind) => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name: 'sallyport' },
  })),
  ...webhookAccess(systemNamespace),
];

/** Starts the API server; the programs are the caller's to start. */
export async function startStartTown(): Promise<StartTown> {
  const town = await startTown();
  await town.cluster.apply(webhookObjects.map((object) => stringify(object)).join('---\n'));
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  const [authorityPort, adminPort] = [await freePort(), await freePort()];
  let pods = 0;
  return {
    async authority() {
      const folder = await accountFolder(town, directory, 'sallyport-authority');
      return { ...systemPod(town, folder, 'sallyport-authority'), SALLYPORT_PORT: String(authorityPort) };
    },
    async webhook() {
      const folder = await accountFolder(town, directory, 'sallyport-webhook');
      return {
        ...systemPod(town, folder, 'sallyport-webhook'),
        SALLYPORT_POD_UID: await createWebhookPod(town),
        SALLYPORT_PORT: '0',
        SALLYPORT_INJECTION_IMAGE: townImage,
      };
    },
    sidecar() {
      pods += 1;
      return podEnvironment(town, `web-${pods}`, directory, authorityPort, adminPort);
    },
    async stop() {
      await town.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What the kubelet projects for a program that talks to the API server. */
async function accountFolder(town: Town, directory: string, serviceAccount: string): Promise<string> {
  const folder = await mkdtemp(join(directory, `${serviceAccount}-`));
  await writeFile(join(folder, 'token'), await town.cluster.issueToken({ namespace: systemNamespace, serviceAccount }));
  await writeFile(join(folder, 'ca.crt'), town.cluster.caPem);
  return folder;
}

function systemPod(town: Town, folder: string, program: string): Record<string, string> {
  const api = new URL(town.cluster.url);
  return {
    SALLYPORT_TRUST_DOMAIN: townDomain,
    SALLYPORT_POD_NAME: `${program}-1`,
    SALLYPORT_POD_UID: authorityPodUid,
    SALLYPORT_LISTEN_ADDRESS: '127.0.0.1',
    SALLYPORT_METRICS_PORT: '0',
    SALLYPORT_SERVICE_ACCOUNT_DIR: folder,
    SALLYPORT_AUDIT_DIR: join(folder, 'audit'),
    SALLYPORT_LOG_LEVEL: 'debug',
    KUBERNETES_SERVICE_HOST: api.hostname,
    KUBERNETES_SERVICE_PORT: api.port,
  };
}

/** The pod that the webhook stands for: its Lease is owned by it and goes with it. Gives the UID. */
async function createWebhookPod(town: Town): Promise<string> {
  const created = await town.cluster.admin.create(`/api/v1/namespaces/${systemNamespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: systemNamespace, name: 'sallyport-webhook-1' },
    spec: { serviceAccountName: 'sallyport-webhook', containers: [{ name: 'webhook', image: townImage }] },
  });
  return podSchema.parse(created).metadata.uid;
}

const podSchema = z.looseObject({ metadata: z.looseObject({ uid: z.string() }) });

async function podEnvironment(
  town: Town,
  pod: string,
  directory: string,
  authorityPort: number,
  adminPort: number,
): Promise<Record<string, string>> {
  await town.addPod(pod);
  const folder = await mkdtemp(join(directory, `${pod}-`));
  await writeFile(join(folder, 'token'), (await town.podToken(pod)).expose());
  await writeFile(join(folder, 'ca.pem'), await town.caPem());
  const { metadata } = podSchema.parse(await town.cluster.admin.get(`/api/v1/namespaces/prod/pods/${pod}`));
  return {
    SALLYPORT_TRUST_DOMAIN: townDomain,
    SALLYPORT_AUTHORITY_ADDRESS: `127.0.0.1:${authorityPort}`,
    SALLYPORT_AUTHORITY_ID: townAuthorityId.text,
    SALLYPORT_TOKEN_FILE: join(folder, 'token'),
    SALLYPORT_TRUST_BUNDLE_FILE: join(folder, 'ca.pem'),
    SALLYPORT_TERMINATION_LOG_FILE: join(folder, 'termination-log'),
    SALLYPORT_POD_NAME: pod,
    SALLYPORT_POD_NAMESPACE: 'prod',
    SALLYPORT_POD_UID: metadata.uid,
    SALLYPORT_NODE_NAME: 'node-1',
    SALLYPORT_LISTEN_ADDRESS: '127.0.0.1',
    SALLYPORT_LOOPBACK_ADDRESS: '127.0.0.1',
    SALLYPORT_ADMIN_PORT: String(adminPort),
    SALLYPORT_LOG_LEVEL: 'debug',
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
