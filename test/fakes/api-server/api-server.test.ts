import { ApiException, CoreV1Api, KubernetesObjectApi, V1ConfigMap, Watch } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manualClock } from '../../builders/manual-clock.ts';
import { type FakeCluster, startApiServer } from './api-server.ts';
import { type Json, objectsAt, requireJson, textAt, valueAt } from './json.ts';
import { isApiError } from './status.ts';

const admin = { username: 'admin', groups: ['system:masters'] };

let cluster: FakeCluster;

beforeAll(async () => {
  cluster = await startApiServer();
});

afterAll(() => cluster.stop());

const configMaps = '/api/v1/namespaces/default/configmaps';

describe('storage, by an unmodified client', () => {
  test('gives a new object uid, time and version, and a name behind generateName', async () => {
    const core = cluster.kubeConfig(admin).makeApiClient(CoreV1Api);
    const { metadata } = await core.createNamespacedConfigMap({
      namespace: 'default',
      body: { metadata: { generateName: 'made-' } },
    });
    expect(metadata?.name).toMatch(/^made-[a-z0-9]{5}$/);
    expect(metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(Number(metadata?.resourceVersion)).toBeGreaterThan(0);
    expect(metadata?.creationTimestamp).toBeInstanceOf(Date);
  });

  test('answers a missing object, a taken name and a lost update with the real statuses', async () => {
    const core = cluster.kubeConfig(admin).makeApiClient(CoreV1Api);
    const missing = await core.readNamespacedConfigMap({ namespace: 'default', name: 'none' }).catch(statusOf);
    expect(missing).toMatchObject({
      code: 404,
      reason: 'NotFound',
      message: 'configmaps "none" not found',
      details: { name: 'none', kind: 'configmaps' },
    });
    const made = await core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'taken' } } });
    const again = await core
      .createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'taken' } } })
      .catch(statusOf);
    expect(again).toMatchObject({ code: 409, reason: 'AlreadyExists', message: 'configmaps "taken" already exists' });
    const update = (value: string): Promise<unknown> =>
      core.replaceNamespacedConfigMap({
        namespace: 'default',
        name: 'taken',
        body: Object.assign(new V1ConfigMap(), made, { data: { value } }),
      });
    await update('first');
    expect(await update('second').catch(statusOf)).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "taken": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  test('keeps what a dry run makes out of the store', async () => {
    await cluster.as(admin).create(configMaps, { metadata: { name: 'dry' } }, 'dryRun=All');
    expect(await cluster.as(admin).get(`${configMaps}/dry`).catch(codeOf)).toBe(404);
  });

  test('writes nothing when an update changes nothing', async () => {
    const made = await cluster.as(admin).create(configMaps, { metadata: { name: 'same' }, data: { a: '1' } });
    const again = await cluster.as(admin).replace(`${configMaps}/same`, made);
    expect(textAt(again, 'metadata', 'resourceVersion')).toBe(textAt(made, 'metadata', 'resourceVersion'));
  });

  test('lists by labels and fields, in pages that add up', async () => {
    const client = cluster.as(admin);
    for (const index of [1, 2, 3, 4, 5]) {
      const labels = { tier: index % 2 === 0 ? 'even' : 'odd', batch: 'pages' };
      await client.create(configMaps, { metadata: { name: `page-${index}`, labels } });
    }
    const names = async (query: string): Promise<string[]> =>
      objectsAt(await client.list(`${configMaps}?${query}`), 'items').map((item) => textAt(item, 'metadata', 'name'));
    expect(await names('labelSelector=batch%3Dpages,tier%20in%20(even)')).toEqual(['page-2', 'page-4']);
    expect(await names('labelSelector=batch,tier!%3Deven')).toEqual(['page-1', 'page-3', 'page-5']);
    expect(await names('fieldSelector=metadata.name%3Dpage-3')).toEqual(['page-3']);
    const first = await client.list(`${configMaps}?labelSelector=batch%3Dpages&limit=2`);
    expect(valueAt(first, 'metadata', 'remainingItemCount')).toBe(3);
    const rest = await names(`labelSelector=batch%3Dpages&continue=${textAt(first, 'metadata', 'continue')}`);
    expect(rest).toEqual(['page-3', 'page-4', 'page-5']);
    const whole = await cluster.admin.list(`${configMaps}?labelSelector=batch%3Dpages`);
    expect(whole.items).toHaveLength(5);
  });

  test('counts generations by changes of the spec only, and keeps status and spec apart', async () => {
    const client = cluster.as(admin);
    const path = '/apis/sallyport.dev/v1alpha1/exemptions';
    const made = await client.create(path, {
      metadata: { name: 'apart' },
      spec: { a: 1 },
      status: { approval: 'mine' },
    });
    expect(made['status']).toBeUndefined();
    const approved = await client.patch(
      `${path}/apart/status`,
      { spec: { a: 2 }, status: { approval: 'theirs' } },
      'application/merge-patch+json',
    );
    expect(approved).toMatchObject({ spec: { a: 1 }, status: { approval: 'theirs' }, metadata: { generation: 1 } });
    const edited = await client.patch(
      `${path}/apart`,
      { spec: { a: 3 }, status: { approval: 'mine' } },
      'application/merge-patch+json',
    );
    expect(edited).toMatchObject({ spec: { a: 3 }, status: { approval: 'theirs' }, metadata: { generation: 2 } });
  });
});

describe('patches', () => {
  test('JSON patch applies as a whole or not at all', async () => {
    const client = cluster.as(admin);
    await client.create(configMaps, configMapOf('patched', { a: '1' }));
    const path = `${configMaps}/patched`;
    const type = 'application/json-patch+json';
    const done = await client.patch(path, [{ op: 'add', path: '/data/b', value: '2' }], type);
    expect(done['data']).toEqual({ a: '1', b: '2' });
    const half = [
      { op: 'add', path: '/data/c', value: '3' },
      { op: 'remove', path: '/data/none' },
    ];
    expect(await client.patch(path, half, type).catch(codeOf)).toBe(422);
    expect((await client.get(path))['data']).toEqual({ a: '1', b: '2' });
  });

  test('strategic merge joins lists by name and deletes by directive', async () => {
    const client = cluster.as(admin);
    const pods = '/api/v1/namespaces/default/podtemplates';
    const containers = [
      { name: 'app', image: 'app:1', env: [{ name: 'A', value: '1' }] },
      { name: 'log', image: 'log:1' },
    ];
    await client.create(pods, { metadata: { name: 'merged' }, template: { spec: { containers } } });
    const change = {
      template: {
        spec: {
          containers: [
            { name: 'app', env: [{ name: 'B', value: '2' }] },
            { name: 'log', $patch: 'delete' },
          ],
        },
      },
    };
    const merged = await client.patch(`${pods}/merged`, change, 'application/strategic-merge-patch+json');
    const result = objectsAt(merged, 'template', 'spec', 'containers');
    expect(result.map((container) => container['name'])).toEqual(['app']);
    expect(result[0]).toMatchObject({
      image: 'app:1',
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ],
    });
  });

  const applyType = 'application/apply-patch+yaml';

  test('apply creates, merges, and takes away what its manager no longer names', async () => {
    const client = cluster.as(admin);
    const path = `${configMaps}/applied`;
    const apply = (manager: string, data: Record<string, string>): Promise<object> =>
      client.patch(path, { apiVersion: 'v1', kind: 'ConfigMap', data }, applyType, `fieldManager=${manager}`);
    await apply('one', { mine: '1', shared: 's' });
    await apply('two', { theirs: '2', shared: 's' });
    await apply('one', { mine: '3' });
    const result = await client.get(path);
    await apply('one', { mine: '3' });
    await apply('two', { theirs: '2', shared: 's' });
    expect(valueAt(await client.get(path), 'metadata', 'resourceVersion')).toBe(
      valueAt(result, 'metadata', 'resourceVersion'),
    );
    expect(result['data']).toEqual({ mine: '3', theirs: '2', shared: 's' });
    await client.patch(path, { apiVersion: 'v1', kind: 'ConfigMap' }, applyType, 'fieldManager=two');
    expect((await client.get(path))['data']).toEqual({ mine: '3' });
    const managers = objectsAt(await client.get(path), 'metadata', 'managedFields').map((entry) => entry['manager']);
    expect(managers).toEqual(['one']);
  });

  test('the client library applies a pod by its own means', async () => {
    const objects = KubernetesObjectApi.makeApiClient(cluster.kubeConfig(admin));
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'typed', namespace: 'default' },
      stringData: { a: 'b' },
    };
    const made = await objects.create(secret);
    expect(made).toMatchObject({ data: { a: 'Yg==' }, type: 'Opaque' });
  });
});

describe('watch', () => {
  test('tells changes since a version, by selector, with bookmarks', async () => {
    const clock = manualClock();
    const watched = await startApiServer({ clock, controllers: false });
    try {
      const client = watched.as(admin);
      const before = await client.list(configMaps);
      const version = textAt(before, 'metadata', 'resourceVersion');
      await client.create(configMaps, { metadata: { name: 'seen', labels: { in: 'yes' } } });
      await client.create(configMaps, { metadata: { name: 'unseen' } });
      const lines: { type: string; name: string; version: string }[] = [];
      const query = { resourceVersion: version, labelSelector: 'in=yes', allowWatchBookmarks: true };
      const controller = await new Watch(watched.kubeConfig(admin)).watch(
        configMaps,
        query,
        (type, object: unknown) => lines.push(lineOf(type, requireJson(object))),
        () => undefined,
      );
      await until(() => lines.length === 1);
      await client.patch(`${configMaps}/seen`, { metadata: { labels: { in: 'no' } } }, 'application/merge-patch+json');
      await until(() => lines.length === 2);
      await clock.advance(5_000);
      await until(() => lines.length === 3);
      controller.abort();
      expect(lines.map(({ type, name }) => [type, name])).toEqual([
        ['ADDED', 'seen'],
        ['DELETED', 'seen'],
        ['BOOKMARK', ''],
      ]);
      expect(Number(lines[2]?.version)).toBe(watched.store.revision());
    } finally {
      await watched.stop();
    }
  });

  test('answers a version it has forgotten with 410', async () => {
    const short = await startApiServer({ historyLimit: 3 });
    try {
      const lines: { type: string; code: unknown }[] = [];
      await new Watch(short.kubeConfig(admin)).watch(
        configMaps,
        { resourceVersion: '1' },
        (type, object: unknown) => lines.push({ type, code: valueAt(requireJson(object), 'code') }),
        () => undefined,
      );
      await until(() => lines.length === 1);
      expect(lines[0]).toEqual({ type: 'ERROR', code: 410 });
    } finally {
      await short.stop();
    }
  });
});

test('says at /version that it is not Kubernetes', async () => {
  expect(await cluster.admin.get('/version')).toMatchObject({ gitVersion: 'v1.37.2-sallyport-fake' });
});

test('serves a kind from the moment its definition is stored, and forgets it with its objects', async () => {
  const client = cluster.as(admin);
  const names = { kind: 'Gate', plural: 'gates', singular: 'gate' };
  const versions = [{ name: 'v1', served: true, storage: true, subresources: { status: {} } }];
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const spec = { group: 'example.org', scope: 'Cluster', names, versions };
  await client.create(definitions, { metadata: { name: 'gates.example.org' }, spec });
  await client.create('/apis/example.org/v1/gates', { metadata: { name: 'north' } });
  const discovered = await client.get('/apis/example.org/v1');
  expect(objectsAt(discovered, 'resources').map((resource) => resource['name'])).toEqual(['gates', 'gates/status']);
  expect(await client.get(`${definitions}/gates.example.org`)).toMatchObject({ status: { storedVersions: ['v1'] } });
  await client.remove(`${definitions}/gates.example.org`);
  expect(await client.list('/apis/example.org/v1/gates').catch(codeOf)).toBe(404);
});

function configMapOf(
  name: string,
  data: Record<string, string>,
): { metadata: { name: string }; data: Record<string, string> } {
  return { metadata: { name }, data };
}

function lineOf(type: string, object: Json): { type: string; name: string; version: string } {
  return { type, name: textAt(object, 'metadata', 'name'), version: textAt(object, 'metadata', 'resourceVersion') };
}

function statusOf(error: unknown): unknown {
  if (!(error instanceof ApiException)) {
    throw error;
  }
  const body: unknown = error.body;
  return typeof body === 'string' ? JSON.parse(body) : body;
}

function codeOf(error: unknown): number {
  if (!isApiError(error)) {
    throw error;
  }
  return error.code;
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
