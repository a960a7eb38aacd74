import { Agent, createServer, request as httpsRequest, type Server } from 'node:https';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import type { Call } from '../admission/call.ts';
import type { AdmissionResponse } from '../admission/decision.ts';
import { AdmissionFailure, failureSentence } from '../admission/failures.ts';
import { createServingPair } from '../serving/certificate.ts';
import { admissionApp } from './app.ts';

const dnsName = 'sallyport-webhook.sallyport-system.svc';
const pair = createServingPair({ dnsNames: [dnsName], replica: 'test', now: new Date(), random: systemRandom });
const agent = new Agent({ ca: pair.caPem, servername: dnsName, keepAlive: true });
const limit = 8 * 1024 * 1024;

let server: Server;
let port = 0;
let admit: (call: Call) => Promise<AdmissionResponse>;
let calls: Call[] = [];
let events: string[] = [];

beforeAll(async () => {
  const app = admissionApp({
    admit: (call) => {
      calls.push(call);
      return admit(call);
    },
    bodyLimitBytes: limit,
    clock: systemClock,
    random: systemRandom,
    observer: {
      received: (half, bytes) => events.push(`received ${half} ${bytes}`),
      answered: (half) => events.push(`answered ${half}`),
      refused: (code) => events.push(`refused ${code}`),
      failed: (failure, id) => events.push(`failed ${failure.code} ${id}`),
    },
  });
  server = createServer({ cert: pair.certificatePem, key: pair.privateKeyPem, minVersion: 'TLSv1.3' }, app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(() => {
  agent.destroy();
  server.close();
});
beforeEach(() => {
  calls = [];
  events = [];
  admit = ({ request }) => Promise.resolve({ uid: request.uid, allowed: true });
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

function send(
  path: string,
  body: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
  method = 'POST',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      { host: '127.0.0.1', port, path, method, agent, headers: { 'content-type': 'application/json', ...headers } },
      (response) => {
        const chunks: Uint8Array[] = [];
        response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
            headers: response.headers,
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const review = (uid = 'u-1'): string =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace: 'shop',
      userInfo: { username: 'alice' },
      object: { metadata: {} },
    },
  });

describe('the admission listener', () => {
  it('AR-01 answers an AdmissionReview of v1 with the uid of the request', async () => {
    const { status, body, headers } = await send('/validate?timeout=5s', review('u-42'));
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('application/json');
    expect(JSON.parse(body)).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u-42', allowed: true },
    });
    expect(events.slice(0, 1)).toEqual([`received validate ${review('u-42').length}`]);
  });

  it('AR-01 answers another version 400 and names the one it serves', async () => {
    const { status, body } = await send(
      '/validate',
      review().replace('admission.k8s.io/v1', 'admission.k8s.io/v1beta1'),
    );
    expect(status).toBe(400);
    expect(body).toContain('admission.k8s.io/v1');
    expect(calls).toEqual([]);
  });

  it.each([
    ['an empty body', ''],
    ['half a body', '{"apiVersion":'],
    ['trailing bytes', `${review()}{}`],
    ['a byte order mark', `\uFEFF${review()}`],
  ])('AR-02 answers %s 400 malformed-review without detail', async (_, body) => {
    const answer = await send('/mutate', body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({ code: 'malformed-review', message: 'not a well-formed AdmissionReview' });
    expect(events).toContain('refused malformed-review');
  });

  it('AR-02 takes no other content type', async () => {
    expect((await send('/mutate', review(), { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await send('/mutate', review(), { 'content-type': 'application/json; charset=utf-8' })).status).toBe(200);
  });

  it('AR-04 a denial is HTTP 200', async () => {
    admit = ({ request }) => Promise.resolve({ uid: request.uid, allowed: false });
    expect(await send('/validate', review())).toMatchObject({ status: 200 });
  });

  it.each([
    ['not-synced', 503],
    ['dependency', 503],
    ['undecided', 503],
    ['audit-unavailable', 503],
    ['deadline', 504],
    ['bug', 500],
  ] as const)('AR-04 answers failure %s with %d, a correlation id and no cause', async (code, status) => {
    admit = () => Promise.reject(new AdmissionFailure(code, { cause: new Error('etcd at 10.0.0.1 said no') }));
    const answer = await send('/validate', review());
    expect(answer.status).toBe(status);
    expect(answer.body).toBe(
      JSON.stringify({ code, message: failureSentence[code], correlationId: calls[0]?.decisionId }),
    );
    expect(calls[0]?.decisionId).toMatch(/^[0-9A-HJKMNP-TV-Z]{10}$/);
    expect(answer.body).not.toContain('etcd');
    expect(answer.body).not.toContain('allowed');
    expect(events).toContain(`failed ${code} ${calls[0]?.decisionId}`);
  });

  it('AR-04 takes whatever else is thrown for a mistake of ours', async () => {
    admit = () => Promise.reject(new TypeError('x is undefined'));
    const answer = await send('/validate', review());
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('undefined');
  });

  it('AR-05 takes 8 MiB and refuses a byte more, whatever the headers say', async () => {
    const padded = `${review()}${' '.repeat(limit - review().length)}`;
    expect((await send('/validate', padded)).status).toBe(200);
    const answer = await send('/validate', `${padded} `, { 'transfer-encoding': 'chunked' });
    expect(answer.status).toBe(413);
    expect(events).toContain('refused too-large');
    expect((await send('/validate', review())).status).toBe(200);
  });

  it('AR-05 takes no content encoding', async () => {
    const { status } = await send('/validate', gzipSync(review()), { 'content-encoding': 'gzip' });
    expect(status).toBe(415);
    expect((await send('/validate', review(), { 'content-encoding': 'identity' })).status).toBe(415);
  });

  it('AR-06 never answers with a verdict after the time it was given', async () => {
    let late: (response: AdmissionResponse) => void = () => undefined;
    admit = () => new Promise((resolve) => (late = resolve));
    const startedMs = performance.now();
    const { status, body } = await send('/validate?timeout=1s', review());
    expect(status).toBe(504);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(calls[0]?.signal.aborted).toBe(true);
    late({ uid: 'u-1', allowed: true });
    expect(body).not.toContain('allowed');
  });

  it.each([
    ['', 9_500],
    ['?timeout=30s', 29_500],
    ['?timeout=1s', 500],
    ['?timeout=31s', 9_500],
    ['?timeout=0s', 9_500],
    ['?timeout=5', 9_500],
    ['?timeout=-5s', 9_500],
    ['?timeout=2s&timeout=3s', 9_500],
  ])('AR-06 reads the time of "%s" as %d ms', async (query, budgetMs) => {
    let remainingMs = 0;
    admit = ({ request, deadline }) => {
      remainingMs = deadline.remainingMs();
      return Promise.resolve({ uid: request.uid, allowed: true });
    };
    await send(`/validate${query}`, review());
    expect(remainingMs).toBeLessThanOrEqual(budgetMs);
    expect(remainingMs).toBeGreaterThan(budgetMs - 400);
  });

  it('AR-07 drops a half-received body and goes on', async () => {
    await new Promise<void>((resolve) => {
      const outgoing = httpsRequest({
        host: '127.0.0.1',
        port,
        path: '/validate',
        method: 'POST',
        agent: false,
        ca: pair.caPem,
        servername: dnsName,
        headers: { 'content-type': 'application/json', 'content-length': '1000' },
      });
      outgoing.on('error', () => resolve());
      outgoing.write('{"half":', () => outgoing.destroy());
      outgoing.on('close', () => resolve());
    });
    expect((await send('/validate', review())).status).toBe(200);
    expect(calls).toHaveLength(1);
  });

  it('AR-08 answers an unknown path 404 and another method 405, without a word', async () => {
    for (const [path, method, status] of [
      ['/', 'POST', 404],
      ['/metrics', 'GET', 404],
      ['/mutate/x', 'POST', 404],
      ['/validate', 'GET', 405],
      ['/mutate', 'PUT', 405],
    ] as const) {
      const answer = await send(path, '', {}, method);
      expect([path, answer.status, answer.body]).toEqual([path, status, '']);
    }
  });
});
