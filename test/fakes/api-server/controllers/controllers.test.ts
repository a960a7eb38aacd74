import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FakeCluster, startApiServer } from '../api-server.ts';
import { type JsonObject, numberAt, objectsAt, textAt, valueAt } from '../json.ts';
import { startTestWebhook } from '../test-webhook.ts';

const admin = { username: 'admin', groups: ['system:masters'] };
const kubelet = { username: 'system:node:node-1', groups: ['system:nodes'] };
const pods = '/api/v1/namespaces/shop/pods';
const deployments = '/apis/apps/v1/namespaces/shop/deployments';
const merge = 'application/merge-patch+json';

let cluster: FakeCluster;

beforeEach(async () => {
  cluster = await startApiServer();
  await cluster.apply('{ apiVersion: v1, kind: Namespace, metadata: { name: shop } }');
});

afterEach(() => cluster.stop());

const deploy = (image: string, replicas: number): Promise<unknown> =>
  cluster.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: app, image: '${image}', ports: [{ name: http, containerPort: 8080 }] }] }
`);

const list = async (path: string): Promise<readonly JsonObject[]> =>
  objectsAt(await cluster.as(admin).list(path), 'items');
const nameOf = (object: JsonObject): string => textAt(object, 'metadata', 'name');

/** What a kubelet would do: says that every living pod is ready, and lets the dying go. */
async function tend(): Promise<void> {
  const client = cluster.as(kubelet);
  for (const [index, pod] of (await list(pods)).entries()) {
    const path = `${pods}/${nameOf(pod)}`;
    if (textAt(pod, 'metadata', 'deletionTimestamp') !== '') {
      await client.remove(path, { gracePeriodSeconds: 0 });
    } else {
      const conditions = [{ type: 'Ready', status: 'True' }];
      const podIP = textAt(pod, 'status', 'podIP') === '' ? `127.0.1.${index + 1}` : textAt(pod, 'status', 'podIP');
      await client.patch(`${path}/status`, { status: { phase: 'Running', podIP, conditions } }, merge);
    }
  }
  await cluster.settled();
}

const imagesOf = async (): Promise<unknown[]> =>
  (await list(pods)).map((pod) => valueAt(objectsAt(pod, 'spec', 'containers')[0], 'image'));

describe('a Deployment', () => {
  test("becomes a ReplicaSet and pods, each written by its controller's own account", async () => {
    await deploy('web:1', 2);
    await cluster.settled();
    expect(await imagesOf()).toEqual(['web:1', 'web:1']);
    const writers = new Set(
      cluster.auditLog
        .filter(({ verb, resource }) => verb === 'post' && resource !== 'events')
        .map(({ username, resource }) => `${username} ${resource}`),
    );
    expect([...writers]).toEqual(
      expect.arrayContaining([
        'system:serviceaccount:kube-system:deployment-controller replicasets.apps',
        'system:serviceaccount:kube-system:replicaset-controller pods',
        'system:kube-scheduler pods',
      ]),
    );
    const [pod] = await list(pods);
    expect(valueAt(pod, 'metadata', 'ownerReferences')).toMatchObject([{ kind: 'ReplicaSet', controller: true }]);
    expect(textAt(pod, 'spec', 'nodeName')).toBe('node-1');
  });

  test('rolls to a new template without falling below its bounds', async () => {
    await deploy('web:1', 4);
    await cluster.settled();
    await tend();
    await deploy('web:2', 4);
    await cluster.settled();
    for (let round = 0; round < 20; round += 1) {
      const images = await imagesOf();
      expect(images.length).toBeLessThanOrEqual(5 + 4);
      const ready = (await list(pods)).filter(
        (pod) =>
          textAt(pod, 'metadata', 'deletionTimestamp') === '' &&
          objectsAt(pod, 'status', 'conditions').some((condition) => condition['type'] === 'Ready'),
      );
      expect(ready.length).toBeGreaterThanOrEqual(3);
      await tend();
    }
    expect(await imagesOf()).toEqual(['web:2', 'web:2', 'web:2', 'web:2']);
    const deployment = await cluster.as(admin).get(`${deployments}/web`);
    expect(deployment['status']).toMatchObject({
      replicas: 4,
      updatedReplicas: 4,
      readyReplicas: 4,
      availableReplicas: 4,
    });
  });

  test('scales, and takes everything along when it is deleted', async () => {
    await deploy('web:1', 1);
    await cluster.settled();
    await cluster.as(admin).patch(`${deployments}/web/scale`, { spec: { replicas: 3 } }, merge);
    await cluster.settled();
    expect(await list(pods)).toHaveLength(3);
    await cluster.as(admin).remove(`${deployments}/web`);
    await cluster.settled();
    await tend();
    expect([await list(pods), await list('/apis/apps/v1/namespaces/shop/replicasets')]).toEqual([[], []]);
  });

  test('whose pods are denied says why, and recovers when they are not', async () => {
    let isDenied = true;
    const webhook = await startTestWebhook(() =>
      isDenied ? { allowed: false, status: { code: 403, message: 'not this one' } } : { allowed: true },
    );
    try {
      await cluster.as(admin).create('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
        metadata: { name: 'v' },
        webhooks: [
          {
            name: 'v.example.org',
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            clientConfig: { url: `https://127.0.0.1:${webhook.port}/v`, caBundle: webhook.caBundle },
            rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
          },
        ],
      });
      await deploy('web:1', 1);
      await cluster.settled();
      const why = 'admission webhook "v.example.org" denied the request: not this one';
      const conditions = objectsAt(await cluster.as(admin).get(`${deployments}/web`), 'status', 'conditions');
      expect(conditions.find((condition) => condition['type'] === 'ReplicaFailure')).toMatchObject({
        reason: 'FailedCreate',
        message: why,
      });
      const events = await list('/api/v1/namespaces/shop/events');
      expect(events).toMatchObject([{ reason: 'FailedCreate', type: 'Warning', message: `Error creating: ${why}` }]);
      expect(webhook.received[0]?.request).toMatchObject({
        userInfo: { username: 'system:serviceaccount:kube-system:replicaset-controller' },
      });
      isDenied = false;
      while ((await list(pods)).length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await cluster.settled();
      const recovered = objectsAt(await cluster.as(admin).get(`${deployments}/web`), 'status', 'conditions');
      expect(recovered.map((condition) => condition['type'])).not.toContain('ReplicaFailure');
    } finally {
      await webhook.stop();
    }
  });
});

test('a Service gets an address, and an EndpointSlice of the pods it selects as they become ready', async () => {
  await cluster.apply(`
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: http }] }
`);
  await deploy('web:1', 1);
  await cluster.settled();
  expect(textAt(await cluster.as(admin).get('/api/v1/namespaces/shop/services/web'), 'spec', 'clusterIP')).toMatch(
    /^127\.96\.0\.\d+$/,
  );
  const slices = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
  expect((await list(slices)).map((slice) => slice['endpoints'])).toEqual([[]]);
  await tend();
  const [slice] = await list(slices);
  expect(slice).toMatchObject({
    metadata: { labels: { 'kubernetes.io/service-name': 'web' } },
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: ['127.0.1.1'], conditions: { ready: true, serving: true, terminating: false } }],
  });
});

test('a pod that is deleted stays, terminating, until its kubelet lets it go', async () => {
  const body = {
    metadata: { name: 'p' },
    spec: { terminationGracePeriodSeconds: 7, containers: [{ name: 'app', image: 'a:1' }] },
  };
  await cluster.as(admin).create(pods, body);
  await cluster.settled();
  const dying = await cluster.as(admin).remove(`${pods}/p`);
  expect(valueAt(dying, 'metadata', 'deletionGracePeriodSeconds')).toBe(7);
  expect(await list(pods)).toHaveLength(1);
  await cluster.as(kubelet).remove(`${pods}/p`, { gracePeriodSeconds: 0 });
  expect(await list(pods)).toHaveLength(0);
});

test('a namespace has its account and the CA, and is empty before it goes', async () => {
  await cluster.settled();
  const names = async (kind: string): Promise<string[]> => (await list(`/api/v1/namespaces/shop/${kind}`)).map(nameOf);
  expect([await names('serviceaccounts'), await names('configmaps')]).toEqual([['default'], ['kube-root-ca.crt']]);
  await deploy('web:1', 1);
  await cluster.settled();
  await cluster.as(admin).remove('/api/v1/namespaces/shop');
  const refused = await cluster
    .as(admin)
    .create('/api/v1/namespaces/shop/configmaps', { metadata: { name: 'late' } })
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({
    code: 403,
    message:
      'configmaps "late" is forbidden: unable to create new content in namespace shop because it is being terminated',
  });
  await cluster.settled();
  expect(textAt(await cluster.as(admin).get('/api/v1/namespaces/shop'), 'status', 'phase')).toBe('Terminating');
  await tend();
  expect(
    await cluster
      .as(admin)
      .get('/api/v1/namespaces/shop')
      .catch((error: unknown) => error),
  ).toMatchObject({ code: 404 });
});

test('a Job runs until a pod of it has succeeded', async () => {
  const job = {
    metadata: { name: 'once' },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'a:1' }] } } },
  };
  await cluster.as(admin).create('/apis/batch/v1/namespaces/shop/jobs', job);
  await cluster.settled();
  const [pod] = await list(pods);
  await cluster.as(kubelet).patch(`${pods}/${nameOf(pod ?? {})}/status`, { status: { phase: 'Succeeded' } }, merge);
  await cluster.settled();
  const done = await cluster.as(admin).get('/apis/batch/v1/namespaces/shop/jobs/once');
  expect(done['status']).toMatchObject({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] });
  expect(numberAt(done, 'status', 'active')).toBeUndefined();
});
