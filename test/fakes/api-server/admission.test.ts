import { type RequestOptions, request } from 'node:https';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FakeCluster, startApiServer } from './api-server.ts';
import { type Json, type JsonObject, objectsAt, textAt, valueAt } from './json.ts';
import { type Answer, patching, startTestWebhook, type TestWebhook } from './test-webhook.ts';

const admin = { username: 'admin', groups: ['system:masters'] };
const hooks = '/apis/admissionregistration.k8s.io/v1';
const configMaps = '/api/v1/namespaces/default/configmaps';

let cluster: FakeCluster;
let webhook: TestWebhook;
let answers: Map<string, (request: JsonObject) => Answer | 'silence'>;

beforeEach(async () => {
  answers = new Map();
  cluster = await startApiServer();
  webhook = await startTestWebhook((path, request) => answers.get(path)?.(request) ?? { allowed: true });
});

afterEach(async () => {
  await webhook.stop();
  await cluster.stop();
});

interface Hook {
  readonly path: string;
  readonly [member: string]: Json;
}

async function register(kind: 'mutating' | 'validating', name: string, ...registered: readonly Hook[]): Promise<void> {
  const plural = `${kind}webhookconfigurations`;
  const webhooks = registered.map(({ path, ...more }) => ({
    name: `${path.slice(1)}.example.org`,
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    clientConfig: { url: `https://127.0.0.1:${webhook.port}${path}`, caBundle: webhook.caBundle },
    rules: [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['configmaps'] },
    ],
    ...more,
  }));
  await cluster.as(admin).create(`${hooks}/${plural}`, { metadata: { name }, webhooks });
}

function create(name: string, more: JsonObject = {}, query?: string): Promise<JsonObject> {
  return cluster.as(admin).create(configMaps, { metadata: { name }, ...more }, query);
}

const refusal = (error: unknown): unknown => error;
const paths = (): string[] => webhook.received.map(({ path }) => path.split('?')[0] ?? '');

describe('mutating webhooks', () => {
  test('run one after the other by the name of their configuration, each on what the one before left', async () => {
    answers.set('/second', (request) =>
      patching({ op: 'add', path: '/data/seen', value: textAt(request, 'object', 'data', 'first') }),
    );
    answers.set('/first', () => patching({ op: 'add', path: '/data', value: { first: 'done' } }));
    await register('mutating', 'b', { path: '/second' });
    await register('mutating', 'a', { path: '/first' });
    expect((await create('ordered'))['data']).toEqual({ first: 'done', seen: 'done' });
  });

  test('see the object again when a later one changed it and they ask for that, and only then', async () => {
    answers.set('/never', () => ({ allowed: true }));
    answers.set('/again', () => ({ allowed: true }));
    answers.set('/change', (request) =>
      textAt(request, 'object', 'data', 'a') === ''
        ? patching({ op: 'add', path: '/data', value: { a: '1' } })
        : { allowed: true },
    );
    await register(
      'mutating',
      'all',
      { path: '/never' },
      { path: '/again', reinvocationPolicy: 'IfNeeded' },
      { path: '/change' },
    );
    await create('reinvoked');
    expect(paths()).toEqual(['/never', '/again', '/change', '/again']);
  });

  test('see neither uid nor generated name of a new object; validating ones see both', async () => {
    await register('mutating', 'm', { path: '/m' });
    await register('validating', 'v', { path: '/v' });
    await cluster.as(admin).create(configMaps, { metadata: { generateName: 'g-' } });
    const [early, late] = webhook.received.map(({ request }) => request);
    expect([valueAt(early, 'name'), valueAt(early, 'object', 'metadata', 'uid')]).toEqual([undefined, undefined]);
    expect(textAt(late, 'name')).toMatch(/^g-.{5}$/);
    expect(textAt(late, 'object', 'metadata', 'uid')).not.toBe('');
  });

  test('may not patch what is being deleted', async () => {
    await create('doomed');
    answers.set('/m', () => patching({ op: 'add', path: '/data', value: {} }));
    await register('mutating', 'm', { path: '/m' });
    expect(await cluster.as(admin).remove(`${configMaps}/doomed`).catch(refusal)).toMatchObject({ code: 500 });
  });

  test('let a sidecar they add have the account token mounted, as the ServiceAccount plugin runs again', async () => {
    answers.set('/inject', () =>
      patching({ op: 'add', path: '/spec/initContainers', value: [{ name: 'sidecar', image: 's:1' }] }),
    );
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }];
    await register('mutating', 'm', { path: '/inject', rules });
    const body = { metadata: { name: 'p' }, spec: { containers: [{ name: 'app', image: 'a:1' }] } };
    const pod = await cluster.as(admin).create('/api/v1/namespaces/default/pods', body);
    const [sidecar] = objectsAt(pod, 'spec', 'initContainers');
    expect(objectsAt(sidecar, 'volumeMounts')).toMatchObject([
      { mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ]);
  });
});

describe('the object that validating webhooks see', () => {
  test('carries the defaults of what mutating ones added', async () => {
    answers.set('/inject', (request) =>
      valueAt(request, 'object', 'spec', 'initContainers') === undefined
        ? patching({ op: 'add', path: '/spec/initContainers', value: [{ name: 'sidecar', image: 's:1' }] })
        : { allowed: true },
    );
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }];
    await register('mutating', 'm', { path: '/inject', rules });
    await register('validating', 'v', { path: '/v', rules });
    const body = { metadata: { name: 'p' }, spec: { containers: [{ name: 'app', image: 'a:1' }] } };
    await cluster.as(admin).create('/api/v1/namespaces/default/pods', body);
    const seen = webhook.received.at(-1)?.request ?? {};
    expect(objectsAt(seen, 'object', 'spec', 'initContainers')).toMatchObject([
      { terminationMessagePath: '/dev/termination-log', imagePullPolicy: 'IfNotPresent', resources: {} },
    ]);
  });
});

describe('a denial', () => {
  test("reaches the client behind the webhook's name, with its code, reason and causes", async () => {
    const causes = [{ reason: 'some-rule', field: '/data', message: 'no' }];
    answers.set('/v', () => ({
      allowed: false,
      status: { code: 403, reason: 'Forbidden', message: 'no such data', details: { causes } },
    }));
    await register('validating', 'v', { path: '/v' });
    expect(await create('denied').catch(refusal)).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: 'admission webhook "v.example.org" denied the request: no such data',
      status: { details: { causes } },
    });
    expect(await cluster.as(admin).get(`${configMaps}/denied`).catch(refusal)).toMatchObject({ code: 404 });
  });

  test('without a status says so', async () => {
    answers.set('/v', () => ({ allowed: false }));
    await register('validating', 'v', { path: '/v' });
    expect(await create('denied').catch(refusal)).toMatchObject({
      code: 400,
      message: 'admission webhook "v.example.org" denied the request without explanation',
    });
  });
});

describe('a webhook that fails', () => {
  test.each([
    [
      'answers 500',
      () => ({ status: 500, text: 'broken' }),
      'an error on the server ("broken") has prevented the request from succeeding',
    ],
    [
      'answers nonsense',
      () => ({ allowed: true, patch: 'eA==', patchType: 'JSONPatch' }),
      'received invalid webhook response: validating webhook may not return response.patch',
    ],
    ['is silent', () => 'silence' as const, 'context deadline exceeded'],
  ])('and %s refuses the write under Fail and passes it under Ignore', async (_what, answer, words) => {
    answers.set('/v', answer);
    await register('validating', 'v', { path: '/v', timeoutSeconds: 1 });
    const refused = await create('failed').catch(refusal);
    expect(refused).toMatchObject({
      code: 500,
      message: matching(/^Internal error occurred: failed calling webhook "v\.example\.org": /),
    });
    expect(refused).toMatchObject({ message: containing(words) });
    await cluster
      .as(admin)
      .patch(
        `${hooks}/validatingwebhookconfigurations/v`,
        [{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }],
        'application/json-patch+json',
      );
    await create('passed');
    const annotations = cluster.auditLog.at(-1)?.annotations;
    expect(annotations).toMatchObject({
      'failed-open.validating.webhook.admission.k8s.io/round_0_index_0': 'v.example.org',
    });
  });

  test('is not trusted under another CA', async () => {
    await register('validating', 'v', {
      path: '/v',
      clientConfig: {
        url: `https://127.0.0.1:${webhook.port}/v`,
        caBundle: Buffer.from(cluster.caPem).toString('base64'),
      },
    });
    expect(await create('untrusted').catch(refusal)).toMatchObject({
      message: containing('failed to verify certificate: x509'),
    });
    expect(webhook.received).toEqual([]);
  });
});

describe('a webhook is called', () => {
  test("through its Service, by a ready endpoint, under the Service's name", async () => {
    await register('validating', 'v', {
      path: '/v',
      clientConfig: { service: { namespace: 'default', name: 'hooks', path: '/v' }, caBundle: webhook.caBundle },
    });
    expect(await create('early').catch(refusal)).toMatchObject({
      message: containing('service "hooks" not found'),
    });
    await cluster.apply(`
apiVersion: v1
kind: Service
metadata: { name: hooks, namespace: default }
spec: { ports: [{ name: https, port: 443, targetPort: ${webhook.port} }] }
`);
    expect(await create('early').catch(refusal)).toMatchObject({
      message: containing('no endpoints available for service "hooks"'),
    });
    await cluster.apply(`
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: hooks-1, namespace: default, labels: { kubernetes.io/service-name: hooks } }
addressType: IPv4
endpoints:
  - { addresses: [127.0.0.9], conditions: { ready: false } }
  - { addresses: [127.0.0.1], conditions: { ready: true } }
ports: [{ name: https, port: ${webhook.port}, protocol: TCP }]
`);
    await create('reached');
    expect(webhook.received).toHaveLength(1);
    expect(webhook.received[0]).toMatchObject({
      path: '/v?timeout=10s',
      headers: { host: 'hooks.default.svc:443', 'user-agent': 'kube-apiserver-admission' },
    });
  });

  test('by its rules: group, resource, subresource, operation', async () => {
    const rule = (more: JsonObject): Json => [
      { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], ...more },
    ];
    await register(
      'validating',
      'v',
      { path: '/pods', rules: rule({ resources: ['pods'] }) },
      { path: '/status', rules: rule({ resources: ['pods/status'] }) },
      { path: '/any', rules: rule({ resources: ['*/*'] }) },
    );
    const pods = '/api/v1/namespaces/default/pods';
    await cluster.as(admin).create(pods, {
      metadata: { name: 'p' },
      spec: { schedulingGates: [{ name: 'wait' }], containers: [{ name: 'app', image: 'a:1' }] },
    });
    await cluster.as(admin).patch(`${pods}/p/status`, { status: { phase: 'Running' } }, 'application/merge-patch+json');
    expect(paths().toSorted((left, right) => left.localeCompare(right))).toEqual(['/any', '/status']);
  });

  test("by namespace and object labels, the old object's counting too", async () => {
    await register(
      'validating',
      'v',
      { path: '/in', namespaceSelector: { matchLabels: { gate: 'on' } } },
      { path: '/labelled', objectSelector: { matchLabels: { mine: 'yes' } } },
    );
    await create('plain');
    expect(paths()).toEqual([]);
    await create('labelled', { metadata: { name: 'labelled', labels: { mine: 'yes' } } });
    await cluster
      .as(admin)
      .patch(`${configMaps}/labelled`, { metadata: { labels: null } }, 'application/merge-patch+json');
    expect(paths()).toEqual(['/labelled', '/labelled']);
    await cluster
      .as(admin)
      .patch('/api/v1/namespaces/default', { metadata: { labels: { gate: 'on' } } }, 'application/merge-patch+json');
    await create('inside');
    expect(paths().at(-1)).toBe('/in');
  });

  test('on a dry run only when it has no side effects then', async () => {
    await register('validating', 'v', { path: '/v' });
    await create('dry', {}, 'dryRun=All');
    expect(webhook.received.at(-1)?.request).toMatchObject({ dryRun: true, options: { dryRun: ['All'] } });
    await register('validating', 'w', { path: '/w', sideEffects: 'Some' });
    expect(await create('dry', {}, 'dryRun=All').catch(refusal)).toMatchObject({
      code: 400,
      message: 'admission webhook "w.example.org" does not support dry run',
    });
  });
});

test("warnings go to the client, audit annotations to the audit log under the webhook's name", async () => {
  answers.set('/v', () => ({
    allowed: true,
    warnings: ['mind this'],
    auditAnnotations: { decision: 'allowed', 'bad/key': 'x' },
  }));
  await register('validating', 'v', { path: '/v' });
  const response = await rawCreate('warned');
  expect(response.headers.get('warning')).toBe('299 - "mind this"');
  expect(cluster.auditLog.at(-1)).toMatchObject({ code: 201, annotations: { 'v.example.org/decision': 'allowed' } });
  expect(Object.keys(cluster.auditLog.at(-1)?.annotations ?? {})).toEqual(['v.example.org/decision']);
});

async function rawCreate(name: string): Promise<{ readonly headers: Headers }> {
  const headers = new Headers();
  const config = cluster.kubeConfig(admin);
  const options: RequestOptions = { method: 'POST', headers: { 'content-type': 'application/json' } };
  await config.applyToHTTPSOptions(options);
  return new Promise((resolve, reject) => {
    const outgoing = request(`${cluster.url}${configMaps}`, options, (incoming) => {
      incoming.resume();
      headers.set('warning', String(incoming.headers['warning']));
      resolve({ headers });
    });
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify({ metadata: { name } }));
  });
}

function containing(text: string): unknown {
  return expect.stringContaining(text);
}

function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}
