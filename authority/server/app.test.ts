import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ForwardedEvent } from '../../audit/event.ts';
import { requireSpiffeId } from '../../spiffe/spiffe-id.ts';
import { attestedPod } from '../../test/builders/attested-pod.ts';
import { refusal } from '../client/messages.ts';
import { type Granted, granted, type Refusal, refusalReasons, refuse } from '../refusal.ts';
import { createApp } from './app.ts';
import type { Caller } from './caller.ts';
import { publicAnswer, publicForms } from './problem.ts';

/*
 * What the edge does with bytes; who may do what is tested where it is decided. Plain HTTP: TLS is the listener's.
 */

const refusals: Refusal[] = [];
const requests: {
  readonly requestedTtlSeconds?: number;
  readonly csr: Uint8Array;
  readonly authorization: string | undefined;
}[] = [];
const forwarded: ForwardedEvent[] = [];
const notKnown = (): Granted<Caller> => refuse('client-certificate-missing');
let caller = notKnown;
let mayForward = (_uid: string): Granted<undefined> => granted(undefined);
let url: string;
let stop: () => void;

beforeAll(async () => {
  const app = createApp({
    issue(request) {
      requests.push(request);
      return Promise.resolve(refuse('rate-limited', { detail: 'inner', retryAfterSeconds: 2.34 }));
    },
    caller: () => caller(),
    svid: () => refuse('client-certificate-missing'),
    streams: {
      open: () => refuse('overloaded'),
      follow: () => granted(undefined),
      has: () => false,
      refresh: () => undefined,
      count: () => 0,
      closeAll: () => undefined,
    },
    acknowledge: () => undefined,
    mayForward: (uid) => mayForward(uid),
    forward: (event) => forwarded.push(event),
    onRefusal: (one) => refusals.push(one),
    random: (size) => new Uint8Array(size).fill(1),
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  stop = () => server.close();
});

afterAll(() => stop());

async function post(path: string, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(url + path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    body: refusal.parse(await response.json()),
  };
}

describe('the API', () => {
  it.each([
    ['no JSON', '{', 400, 'malformed-request'],
    ['a JSON text that is no object', '[]', 400, 'malformed-request'],
    ['a request without CSR', '{}', 400, 'malformed-request'],
    ['a CSR that is no base64', '{"csr":"%%"}', 400, 'malformed-request'],
    ['a life that is no number', '{"csr":"AAAA","ttlSeconds":"1"}', 400, 'malformed-request'],
    ['more than 64 KiB', `{"csr":"${'A'.repeat(66_000)}"}`, 413, 'body-too-large'],
  ])('answers %s', async (_name, body, status, reason) => {
    expect(await post('/v1/svid/x509', body)).toMatchObject({ status, body: { reason } });
  });

  it.each(['gzip', 'br'])('unpacks nothing: a body in %s is not of the documented form', async (encoding) => {
    const answer = await post('/v1/svid/x509', '{"csr":"AAEC"}', { 'content-encoding': encoding });
    expect(answer).toMatchObject({ status: 400, body: { reason: 'malformed-request' } });
  });

  it('hands over what was sent, and says when to come back, in body and header', async () => {
    const answer = await post('/v1/svid/x509', '{"csr":"AAEC","ttlSeconds":30}', {
      authorization: 'Bearer a.b.c',
      traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`,
    });
    expect(answer).toMatchObject({
      status: 429,
      retryAfter: '3',
      body: { reason: 'rate-limited', retryAfterSeconds: 2.3, traceId: 'ab'.repeat(16) },
    });
    expect(requests.at(-1)).toMatchObject({
      csr: Buffer.of(0, 1, 2),
      requestedTtlSeconds: 30,
      authorization: 'Bearer a.b.c',
    });
  });

  it.each(['/v1/ack', '/v1/directory', '/v1/events'])('lets nobody without an SVID at %s', async (path) => {
    expect(await post(path, '{}')).toMatchObject({ status: 401, body: { reason: 'client-certificate-missing' } });
  });

  it('takes from a sidecar what it saw itself, nothing in the name of another, and no flood', async () => {
    const own = 'spiffe://prod.example/ns/prod/sa/web';
    const svid = { spiffeId: requireSpiffeId(own), serial: '01', notAfter: new Date('2027-01-02T00:00:00Z') };
    caller = () => granted({ pod: attestedPod(), svid });
    const access = { event: 'access.denied', outcome: 'refused', direction: 'inbound' };
    const ended = { event: 'identity.expired', outcome: 'info', notAfter: '2027-01-01T00:00:00Z', lastError: 'x' };
    const peer = { kind: 'workload', spiffeId: 'spiffe://prod.example/ns/prod/sa/other' };
    const events = [
      access,
      { ...access, own, principal: peer },
      { ...ended, spiffeId: own },
      { ...access, own: peer.spiffeId },
      { ...ended, spiffeId: peer.spiffeId },
      { ...access, own, principal: { kind: 'kubernetes', username: 'admin' } },
    ].map((event) => ({ id: '01ARZ3NDEKTSV4RRFFQ69G5FAV', seenAt: '2027-01-01T00:00:00Z', event }));
    const send = () => fetch(`${url}/v1/events`, { method: 'POST', body: JSON.stringify({ events }) });
    expect(await (await send()).json()).toEqual({ accepted: 3, dropped: 3 });
    mayForward = () => refuse('rate-limited', { retryAfterSeconds: 1 });
    expect((await send()).status).toBe(429);
    caller = notKnown;
    expect(forwarded.map(({ event }) => event)).toEqual(events.slice(0, 3).map(({ event }) => event));
  });

  it('lets nobody without an SVID at the stream, and knows no other route', async () => {
    expect((await fetch(`${url}/v1/stream`)).status).toBe(401);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
  });

  it('tells the log what it does not tell the caller', async () => {
    const { body } = await post('/v1/svid/x509', '{"csr":"AAEC"}');
    expect(JSON.stringify(body)).not.toContain('inner');
    expect(refusals.at(-1)).toMatchObject({ detail: 'inner' });
  });
});

describe('public answers', () => {
  it.each(refusalReasons)('%s has a form of its own, and a time to come back exactly when that may help', (reason) => {
    const { status, body } = publicAnswer({ reason, detail: 'secret detail' }, 't');
    expect(refusal.safeParse(body).success).toBe(true);
    expect(body.retryAfterSeconds !== undefined).toBe(status === 429 || status === 503);
    expect(JSON.stringify(body)).not.toContain('secret detail');
  });

  it('say each thing once', () => {
    const messages = Object.values(publicForms).map(({ message }) => message);
    expect(new Set(messages).size).toBe(messages.length);
  });
});
