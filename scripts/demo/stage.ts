import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { type ClusterApi, clusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { type FakeCluster, startApiServer } from '../../test/fakes/api-server/api-server.ts';
import { type Kubelet, type KubeletEvent, startKubelet } from '../../test/fakes/kubelet/kubelet.ts';
import { type ServiceProxy, startServiceProxy } from '../../test/fakes/service-proxy.ts';
import { imageTable } from './image-table.ts';
import { foundation, programs, systemNamespace } from './installation.ts';
import type { Narrator } from './narrator.ts';
import { type Person, person } from './person.ts';
import { people, town } from './town.ts';
import { until } from './until.ts';

/** Everything the steps play on. */
export interface Stage {
  readonly narrator: Narrator;
  readonly cluster: FakeCluster;
  readonly admin: ClusterApi;
  readonly kubelet: Kubelet;
  readonly people: Readonly<Record<keyof typeof people, Person>>;
  readonly directory: string;
  /** Audit records on the stdout of a pod's container so far: the sidecar's unless told otherwise. */
  records(pod: { readonly key: string }, container?: string): readonly unknown[];
  /** What the kubelet said, oldest first. */
  readonly events: readonly KubeletEvent[];
  stop(): Promise<void>;
}

const readiness = z.object({ status: z.object({ readyReplicas: z.int().default(0) }).default({ readyReplicas: 0 }) });
const entries = z.object({
  webhooks: z
    .array(z.object({ failurePolicy: z.string(), clientConfig: z.object({ caBundle: z.string().optional() }) }))
    .default([]),
});
const clusterIp = z.object({ spec: z.object({ clusterIP: z.string() }) });
const group = '/apis/admissionregistration.k8s.io/v1';

/** The container whose restart the demo stretches, and by how much. */
const restartDelayMs = (container: string, restarts: number): number =>
  container === 'authority' ? 5_000 : restarts === 0 ? 0 : 10_000;

/** Starts the cluster, installs Sallyport in it, and gives the town its people. Resolves when both gates stand. */
export async function startStage(narrator: Narrator): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-demo-'));
  const cluster = await startApiServer();
  const node = clusterApi(cluster.kubeConfig({ username: 'system:node:node-1', groups: ['system:nodes'] }), {
    timeoutMs: 10_000,
  });
  const proxyApi = cluster.admin;
  const events: KubeletEvent[] = [];
  const kubelet = await startKubelet({
    api: node,
    nodeName: 'node-1',
    directory,
    images: imageTable(new URL(cluster.url)),
    restartDelayMs,
    report: (event) => events.push(event),
  });
  const proxy = startServiceProxy(proxyApi);
  const stage = stageOf({ narrator, cluster, kubelet, proxy, directory, events });
  try {
    await install(stage);
  } catch (error) {
    const said = events.slice(-6).map(({ pod, text }) => `${pod}: ${text}`);
    await stage.stop();
    throw new Error(
      [error instanceof Error ? error.message : String(error), 'the kubelet said last:', ...said].join('\n'),
    );
  }
  return stage;
}

function stageOf(
  parts: Pick<Stage, 'narrator' | 'cluster' | 'kubelet' | 'directory' | 'events'> & { readonly proxy: ServiceProxy },
): Stage {
  const { cluster, kubelet, proxy, directory } = parts;
  return {
    ...parts,
    admin: cluster.admin,
    people: {
      alice: person('alice', cluster.kubeConfig(people.alice)),
      carol: person('carol', cluster.kubeConfig(people.carol)),
      bob: person('bob', cluster.kubeConfig(people.bob)),
    },
    records: ({ key }, container = 'sallyport-sidecar') =>
      auditRecords(join(kubelet.logDirectory, `${key.replace('/', '_')}_${container}.log`)),
    async stop() {
      await kubelet.stop();
      await proxy.stop();
      await cluster.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function install({ cluster, admin }: Stage): Promise<void> {
  const apply = (objects: readonly object[]): Promise<unknown> =>
    cluster.apply(objects.map((object) => stringify(object)).join('---\n'));
  await apply([...foundation, ...town]);
  const service = clusterIp.parse(
    await admin.get(`/api/v1/namespaces/${systemNamespace}/services/sallyport-authority`),
  );
  await apply(programs(`${service.spec.clusterIP}:8443`));
  await Promise.all(
    ['sallyport-authority', 'sallyport-webhook'].map((name) => untilReady(admin, systemNamespace, name, 30)),
  );
  await until('registrations filled by the leader', 20, async () => {
    const configurations = await Promise.all(
      ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].map((kind) =>
        admin.get(`${group}/${kind}/sallyport`),
      ),
    );
    const all = configurations.map((configuration) => entries.parse(configuration).webhooks);
    const isStanding = all.every(
      (webhooks) => webhooks.length > 0 && webhooks.every(({ clientConfig }) => (clientConfig.caBundle ?? '') !== ''),
    );
    return isStanding && all.flat().some(({ failurePolicy }) => failurePolicy === 'Fail') ? true : undefined;
  });
}

/** Resolves when a Deployment has a ready pod. */
export async function untilReady(admin: ClusterApi, namespace: string, name: string, seconds: number): Promise<void> {
  await until(`Deployment ${namespace}/${name} ready`, seconds, async () => {
    const deployment = readiness.safeParse(
      await admin.get(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}`),
    );
    return deployment.data !== undefined && deployment.data.status.readyReplicas > 0 ? true : undefined;
  });
}

/** The whole lines of a log that are audit records. */
function auditRecords(file: string): readonly unknown[] {
  const text = readFileSync(file, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => (line.includes('"kind":"audit"') ? [parseLine(line)] : []));
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
