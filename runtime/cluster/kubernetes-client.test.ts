import { mkdtemp, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTestAuthority } from '../../test/builders/test-authority.ts';
import { type FakeCluster, startApiServer } from '../../test/fakes/api-server/api-server.ts';
import { type ClusterApi, clusterApi, loadCluster, type WatchEvent } from './kubernetes-client.ts';
import { serverSideApply } from './server-side-apply.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, data: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'default', name },
  data,
});

describe('clusterApi against the embedded API server', () => {
  let cluster: FakeCluster;
  beforeAll(async () => {
    cluster = await startApiServer({ controllers: false });
  });
  afterAll(() => cluster.stop());

  it('creates, reads, replaces, patches, applies and removes', async () => {
    const api = cluster.admin;
    const made = await api.create(configMaps, configMap('one', { a: '1' }));
    expect(await api.get(`${configMaps}/one`)).toEqual(made);
    await api.replace(`${configMaps}/one`, configMap('one', { a: '2' }));
    await api.patch(`${configMaps}/one`, { data: { b: '3' } }, 'application/merge-patch+json');
    expect(await api.get(`${configMaps}/one`)).toMatchObject({ data: { a: '2', b: '3' } });
    await serverSideApply(api, `${configMaps}/one`, configMap('one', { a: '4' }), 'tester');
    expect(await api.get(`${configMaps}/one`)).toMatchObject({ data: { a: '4', b: '3' } });
    await api.remove(`${configMaps}/one`);
    await expect(api.get(`${configMaps}/one`)).rejects.toMatchObject({ code: 'not-found', status: 404 });
  });

  it('fails with the code of what went wrong', async () => {
    const api = cluster.admin;
    await api.create(configMaps, configMap('two'));
    await expect(api.create(configMaps, configMap('two'))).rejects.toMatchObject({ code: 'already-exists' });
    const stale = { ...configMap('two'), metadata: { namespace: 'default', name: 'two', resourceVersion: '1' } };
    await expect(api.replace(`${configMaps}/two`, stale)).rejects.toMatchObject({
      code: 'conflict',
      isRetryable: true,
    });
    const stranger = clusterApi(cluster.kubeConfig({ username: 'stranger' }), { timeoutMs: 5_000 });
    await expect(stranger.get(`${configMaps}/two`)).rejects.toMatchObject({ code: 'forbidden', isRetryable: false });
    const forged = clusterApi(cluster.tokenKubeConfig('no.such.token'), { timeoutMs: 5_000 });
    await expect(forged.get(`${configMaps}/two`)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('watches from a list on until it is aborted', async () => {
    const api = cluster.admin;
    const { resourceVersion } = await api.list(configMaps);
    const abort = new AbortController();
    const seen: WatchEvent[] = [];
    const watching = api.watch(configMaps, { resourceVersion, signal: abort.signal }, (event) => {
      seen.push(event);
      if (event.type === 'DELETED') {
        abort.abort();
      }
    });
    await api.create(configMaps, configMap('three'));
    await api.remove(`${configMaps}/three`);
    await watching;
    expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'DELETED']);
  });

  it('reads the token of a pod from its file, with the CA beside it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'account-'));
    await writeFile(join(directory, 'ca.crt'), cluster.caPem);
    const serviceAccount = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'app', namespace: 'default' },
    };
    await cluster.admin.create('/api/v1/namespaces/default/serviceaccounts', serviceAccount);
    const token = await cluster.issueToken({ namespace: 'default', serviceAccount: 'app' });
    await writeFile(join(directory, 'token'), token);
    const { hostname: host, port } = new URL(cluster.url);
    const api = clusterApi(loadCluster({ serviceAccountDir: directory, host, port: Number(port) }), {
      timeoutMs: 5_000,
    });
    await expect(api.get(`${configMaps}/two`)).rejects.toThrow('system:serviceaccount:default:app');
  });

  it('says so when the files of its account are missing', async () => {
    const api = clusterApi(loadCluster({ serviceAccountDir: '/nowhere', host: '::1', port: 1 }), { timeoutMs: 5_000 });
    await expect(api.get('/version')).rejects.toMatchObject({ code: 'unavailable', status: 0 });
  });
});

describe('clusterApi against a server that misbehaves', () => {
  const authority = createTestAuthority({ trustDomain: 'test.example' });
  const { certPem: cert, keyPem: key } = authority.issue({ path: '/api', leaf: { dnsNames: ['api.test'] } });
  const servers: Server[] = [];

  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  async function serve(
    handler: (request: IncomingMessage, answer: ServerResponse) => void,
    options: { timeoutMs?: number; tlsServerName?: string; path?: string } = {},
  ): Promise<ClusterApi> {
    const { timeoutMs = 5_000, tlsServerName = 'api.test', path = '' } = options;
    const server = createServer({ cert, key }, handler);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromOptions({
      clusters: [
        {
          name: 'c',
          server: `https://127.0.0.1:${port}${path}`,
          caData: Buffer.from(authority.anchorPem).toString('base64'),
          skipTLSVerify: false,
          tlsServerName,
        },
      ],
      users: [{ name: 'u', token: 'anyone' }],
      contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
      currentContext: 'x',
    });
    return clusterApi(kubeConfig, { timeoutMs });
  }

  const page = (items: readonly number[], next?: string) =>
    JSON.stringify({ metadata: { resourceVersion: '7', ...(next === undefined ? {} : { continue: next }) }, items });

  it('follows a list page by page, 500 at a time, under the path of its server', async () => {
    const asked: string[] = [];
    const api = await serve(
      (request, answer) => {
        asked.push(request.url ?? '');
        answer.end(asked.length === 1 ? page([1, 2], 'more') : page([3], ''));
      },
      { path: '/clusters/a/' },
    );
    expect(await api.list('/things?labelSelector=a%3Db')).toEqual({ items: [1, 2, 3], resourceVersion: '7' });
    expect(asked).toEqual([
      '/clusters/a/things?labelSelector=a%3Db&limit=500',
      '/clusters/a/things?labelSelector=a%3Db&limit=500&continue=more',
    ]);
  });

  it('gives up on a server that is silent, before the head of the answer and within it', async () => {
    const silent = await serve(() => undefined, { timeoutMs: 50 });
    await expect(silent.get('/a')).rejects.toMatchObject({ code: 'timeout', isRetryable: true });
    const stuck = await serve((_request, answer) => void answer.write('{'), { timeoutMs: 50 });
    await expect(stuck.get('/a')).rejects.toMatchObject({ isRetryable: true });
  });

  it('refuses a server whose certificate is for another name', async () => {
    const api = await serve((_request, answer) => void answer.end('{}'), { tlsServerName: 'other.test' });
    await expect(api.get('/a')).rejects.toMatchObject({ code: 'unavailable', status: 0 });
  });

  it.each([
    [404, '', 'not-found'],
    [409, 'AlreadyExists', 'already-exists'],
    [409, 'Conflict', 'conflict'],
    [410, 'Expired', 'gone'],
    [422, 'Invalid', 'invalid'],
    [429, 'TooManyRequests', 'too-many-requests'],
    [400, 'BadRequest', 'rejected'],
    [500, 'InternalError', 'unavailable'],
    [504, 'Timeout', 'unavailable'],
  ])('calls status %i with reason "%s" %s', async (status, reason, code) => {
    const api = await serve((_request, answer) => {
      answer.writeHead(status, { 'retry-after': '3' }).end(JSON.stringify({ kind: 'Status', reason, message: 'no' }));
    });
    await expect(api.get('/a')).rejects.toMatchObject({ code, status, message: 'no', retryAfterSeconds: 3 });
  });

  it('survives answers that are no JSON, no list and no status', async () => {
    const api = await serve((request, answer) => {
      answer.statusCode = request.url === '/broken' ? 500 : 200;
      answer.end(request.url === '/list?limit=500' ? '{"items":1}' : '<html>');
    });
    await expect(api.get('/a')).rejects.toMatchObject({ code: 'malformed' });
    await expect(api.list('/list')).rejects.toMatchObject({ code: 'malformed' });
    await expect(api.get('/broken')).rejects.toMatchObject({ code: 'unavailable', message: 'status 500' });
  });

  it('puts together events that come in pieces, and tells when the stream breaks', async () => {
    const text = JSON.stringify({ type: 'ADDED', object: { name: 'Grüße' } });
    const bytes = Buffer.from(`${text}\n${text}\n`);
    const api = await serve((_request, answer) => {
      answer.write(bytes.subarray(0, 35));
      setTimeout(() => answer.write(bytes.subarray(35)), 5);
      setTimeout(() => answer.destroy(), 10);
    });
    const seen: unknown[] = [];
    const { signal } = new AbortController();
    const watching = api.watch('/a', { resourceVersion: '1', signal }, ({ object }) => void seen.push(object));
    await expect(watching).rejects.toMatchObject({ code: 'unavailable' });
    expect(seen).toEqual([{ name: 'Grüße' }, { name: 'Grüße' }]);
  });

  it('takes the last event of a stream that ends without a line break', async () => {
    const api = await serve(
      (_request, answer) => void answer.end('{"type":"ADDED","object":1}\n{"type":"ADDED","object":2}'),
    );
    const seen: unknown[] = [];
    const from = { resourceVersion: '1', signal: new AbortController().signal };
    await api.watch('/a', from, ({ object }) => void seen.push(object));
    expect(seen).toEqual([1, 2]);
  });

  it('trusts the CA that its file holds now', async () => {
    const [before, after] = [authority, createTestAuthority({ trustDomain: 'new.example' })];
    const { certPem, keyPem } = after.issue({ path: '/api', leaf: { dnsNames: ['localhost'] } });
    const directory = await mkdtemp(join(tmpdir(), 'account-'));
    await writeFile(join(directory, 'token'), 'anyone');
    await writeFile(join(directory, 'ca.crt'), before.anchorPem);
    const server = createServer({ cert: certPem, key: keyPem }, (_request, answer) => void answer.end('{"a":1}'));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const source = { serviceAccountDir: directory, host: 'localhost', port };
    const api = clusterApi(loadCluster(source), { timeoutMs: 5_000 });
    await expect(api.get('/a')).rejects.toMatchObject({ code: 'unavailable' });
    await writeFile(join(directory, 'ca.crt'), after.anchorPem);
    expect(await api.get('/a')).toEqual({ a: 1 });
  });

  it('asks for bookmarks and an end, resolves at the end, and refuses events of no known form', async () => {
    const asked: string[] = [];
    const api = await serve((request, answer) => {
      asked.push(request.url ?? '');
      answer.end(asked.length === 1 ? '' : '{"type":"EXPLODED"}\n');
    });
    const from = { resourceVersion: '9', signal: new AbortController().signal, timeoutSeconds: 60 };
    await api.watch('/a', from, () => undefined);
    expect(asked[0]).toBe('/a?watch=true&allowWatchBookmarks=true&resourceVersion=9&timeoutSeconds=60');
    await expect(api.watch('/a', from, () => undefined)).rejects.toMatchObject({ code: 'malformed' });
  });

  it('resolves a watch that is aborted before the server answered', async () => {
    const api = await serve(() => undefined);
    const abort = new AbortController();
    const watching = api.watch('/a', { resourceVersion: '1', signal: abort.signal }, () => undefined);
    setTimeout(() => abort.abort(), 5);
    await expect(watching).resolves.toBeUndefined();
  });
});
