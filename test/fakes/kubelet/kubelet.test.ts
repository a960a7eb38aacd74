import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { clusterApi } from '../../../runtime/cluster/kubernetes-client.ts';
import { type FakeCluster, startApiServer } from '../api-server/api-server.ts';
import { type Kubelet, startKubelet } from './kubelet.ts';
import type { PodWorker } from './pod-worker.ts';

/*
 * Each image is a few lines of JavaScript that append to a diary: who started and who was told to stop, in which order.
 */

const status = z.object({
  status: z.object({
    phase: z.string(),
    podIP: z.string(),
    conditions: z.array(z.object({ type: z.string(), status: z.string() })),
    containerStatuses: z.array(z.object({ name: z.string(), restartCount: z.int(), ready: z.boolean() })),
  }),
});

const diaryLine =
  "const write = (text) => require('node:fs').appendFileSync(process.env.DIARY, process.env.WHO + ' ' + text + '\\n');";
const scripts: Readonly<Record<string, string>> = {
  serve: `${diaryLine} write('started'); require('node:http').createServer((_, answer) => answer.end()).listen(Number(process.env.PORT), process.env.HOST);
    process.on('SIGTERM', () => { write('stopped'); process.exit(0); });`,
  once: `${diaryLine} write('started'); write('ended');`,
  crash: `${diaryLine} write('started'); setTimeout(() => { require('node:fs').writeFileSync(process.env.MESSAGE, 'out of luck'); process.exit(3); }, 50);`,
};

let cluster: FakeCluster;
let kubelet: Kubelet;
let directory: string;
const said: string[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-kubelet-'));
  cluster = await startApiServer();
  await cluster.apply('apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}');
  const api = clusterApi(cluster.kubeConfig({ username: 'system:node:node-1', groups: ['system:nodes'] }), {
    timeoutMs: 5_000,
  });
  kubelet = await startKubelet({
    api,
    nodeName: 'node-1',
    directory,
    images: (image) => {
      const script = scripts[image];
      return script === undefined
        ? undefined
        : { command: [process.execPath, '--eval', script], platformEnvironment: { DIARY: join(directory, 'diary') } };
    },
    restartDelayMs: () => 100,
    report: ({ text }) => said.push(text),
  });
}, 30_000);

afterAll(async () => {
  await kubelet.stop();
  await cluster.stop();
  rmSync(directory, { recursive: true, force: true });
});

const diary = (who: string): readonly string[] => {
  try {
    return readFileSync(join(directory, 'diary'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`${who}-`))
      .map((line) => line.slice(who.length + 1));
  } catch {
    return [];
  }
};

async function until<T>(ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 15_000; Date.now() < end; ) {
    const answer = await ask();
    if (answer !== undefined) {
      return answer;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('not within 15 s');
}

const container = (pod: string, name: string, image: string, more: object = {}): object => ({
  name,
  image,
  env: [
    { name: 'WHO', value: `${pod}-${name}` },
    { name: 'HOST', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    { name: 'PORT', value: name === 'sidecar' ? '15490' : '8080' },
    { name: 'MESSAGE', value: '/dev/termination-log' },
  ],
  ...more,
});
const probe = (port: number): object => ({ httpGet: { path: '/', port }, periodSeconds: 1 });

const create = (name: string, spec: object): Promise<unknown> =>
  cluster.admin.create('/api/v1/namespaces/shop/pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name },
    spec: { serviceAccountName: 'default', ...spec },
  });
const statusOf = async (name: string): Promise<z.infer<typeof status>['status'] | undefined> =>
  status.safeParse(await cluster.admin.get(`/api/v1/namespaces/shop/pods/${name}`)).data?.status;
const whenReady = (name: string): Promise<unknown> =>
  until(async () =>
    (await statusOf(name))?.conditions.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') === true
      ? true
      : undefined,
  );
const workerOf = (name: string): Promise<PodWorker> => until(() => kubelet.worker(`shop/${name}`));

describe('the stand-in kubelet', () => {
  it('starts native sidecars, then init containers, then the application, and stops them the other way round', async () => {
    await create('order', {
      initContainers: [
        container('order', 'sidecar', 'serve', {
          restartPolicy: 'Always',
          startupProbe: { ...probe(15_490), failureThreshold: 30 },
          readinessProbe: probe(15_490),
        }),
        container('order', 'init', 'once'),
      ],
      containers: [container('order', 'app', 'serve', { readinessProbe: probe(8080) })],
    });
    await whenReady('order');
    expect(diary('order')).toEqual(['sidecar started', 'init started', 'init ended', 'app started']);
    await cluster.admin.remove('/api/v1/namespaces/shop/pods/order');
    await until(() => (kubelet.worker('shop/order') === undefined ? true : undefined));
    expect(diary('order').slice(4)).toEqual(['app stopped', 'sidecar stopped']);
    await expect(cluster.admin.get('/api/v1/namespaces/shop/pods/order')).rejects.toMatchObject({ code: 'not-found' });
  }, 30_000);

  it('restarts what ends, counts it, and reads the termination message', async () => {
    await create('unlucky', { containers: [container('unlucky', 'app', 'crash')] });
    const counted = await until(async () => {
      const restarts = (await statusOf('unlucky'))?.containerStatuses[0]?.restartCount ?? 0;
      return restarts >= 2 ? restarts : undefined;
    });
    expect(counted).toBeGreaterThanOrEqual(2);
    expect(said.some((text) => text.includes('exit 3') && text.includes('out of luck'))).toBe(true);
    await cluster.admin.remove('/api/v1/namespaces/shop/pods/unlucky');
  }, 30_000);

  it('ends a Job’s pod although its sidecar would run on', async () => {
    await create('job', {
      restartPolicy: 'Never',
      initContainers: [container('job', 'sidecar', 'serve', { restartPolicy: 'Always', startupProbe: probe(15_490) })],
      containers: [container('job', 'work', 'once')],
    });
    await until(async () => ((await statusOf('job'))?.phase === 'Succeeded' ? true : undefined));
    expect(diary('job')).toEqual(['sidecar started', 'work started', 'work ended', 'sidecar stopped']);
  }, 30_000);

  it('projects a pod-bound token, replaces it, and shows a changed ConfigMap within 2 s', async () => {
    await cluster.apply(
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: shop, name: anchors}\ndata: {ca.pem: one}',
    );
    await create('identity', {
      containers: [
        container('identity', 'app', 'serve', {
          readinessProbe: probe(8080),
          volumeMounts: [{ name: 'identity', mountPath: '/id' }],
        }),
      ],
      volumes: [
        {
          name: 'identity',
          projected: {
            sources: [
              { serviceAccountToken: { audience: 'them', expirationSeconds: 600, path: 'token' } },
              { configMap: { name: 'anchors', items: [{ key: 'ca.pem', path: 'ca.pem' }] } },
            ],
          },
        },
      ],
    });
    await whenReady('identity');
    const worker = await workerOf('identity');
    const read = (file: string): string => readFileSync(join(worker.volumes.directoryOf('identity'), file), 'utf8');
    const first = read('token');
    expect(decodeJwt(first)).toMatchObject({
      aud: ['them'],
      sub: 'system:serviceaccount:shop:default',
      'kubernetes.io': { pod: { name: 'identity', uid: worker.pod.metadata.uid } },
    });

    worker.volumes.expireTokens();
    await until(() => (read('token') === first ? undefined : true));

    const changed = Date.now();
    await cluster.apply(
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: shop, name: anchors}\ndata: {ca.pem: two}',
    );
    await until(() => (read('ca.pem') === 'two' ? true : undefined));
    expect(Date.now() - changed).toBeLessThan(2_000);
  }, 30_000);

  it('waits with a pod whose ConfigMap is not there yet', async () => {
    await create('early', {
      containers: [container('early', 'app', 'serve', { readinessProbe: probe(8080) })],
      volumes: [{ name: 'later', configMap: { name: 'later' } }],
    });
    await until(() => (said.some((text) => text.startsWith('waiting for volumes')) ? true : undefined));
    expect(diary('early')).toEqual([]);
    await cluster.apply('apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: shop, name: later}\ndata: {a: b}');
    await whenReady('early');
    expect(diary('early')).toEqual(['app started']);
  }, 30_000);
});
