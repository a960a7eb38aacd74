import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { Secret } from '../../runtime/secret.ts';
import { requireSpiffeId } from '../../spiffe/spiffe-id.ts';
import { createTestAuthority, type TestAuthority } from '../../test/builders/test-authority.ts';
import { createAuthorityClient } from './authority-client.ts';
import type { StreamMessage } from './messages.ts';

const authorityId = requireSpiffeId('spiffe://prod.example/ns/sallyport-system/sa/sallyport-authority');
const authorityPath = '/ns/sallyport-system/sa/sallyport-authority';
const anchors = createTestAuthority({ trustDomain: 'prod.example' });
const servers: Server[] = [];

afterEach(() => {
  servers.splice(0).forEach((server) => {
    server.closeAllConnections();
    server.close();
  });
});

type Handler = Parameters<typeof createServer>[1];

/** A server that proves `path` by `authority`; gives its address and every request byte it got. */
async function serve(
  handler: Handler,
  authority: TestAuthority = anchors,
  path = authorityPath,
  ttlSeconds = 3600,
): Promise<{ address: string; seen: string[] }> {
  const { certPem: cert, keyPem: key } = authority.issue({ path, ttlSeconds });
  const seen: string[] = [];
  const server = createServer({ cert, key, minVersion: 'TLSv1.3' }, handler);
  server.on('secureConnection', (socket) => socket.on('data', (data) => seen.push(data.toString('latin1'))));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  return { address: `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`, seen };
}

function client(address: string, more: { callTimeoutMs?: number; silenceTimeoutMs?: number } = {}) {
  return createAuthorityClient({ address, authorityId, anchors: anchors.bundle, clock: systemClock, ...more });
}

const call = { token: new Secret('a.b.c'), csr: Uint8Array.of(1) };

describe('the authority’s client', () => {
  const impostors: readonly (readonly [string, () => [TestAuthority, string, number?]])[] = [
    ['an unknown issuer', () => [createTestAuthority({ trustDomain: 'prod.example' }), authorityPath]],
    ['another identity of the domain', () => [anchors, '/ns/prod/sa/web']],
    ['another trust domain', () => [createTestAuthority({ trustDomain: 'other.example' }), authorityPath]],
    ['an SVID that has expired', () => [anchors, authorityPath, -10]],
  ];
  it.each(impostors)('sends no byte of a token to %s', async (_name, make) => {
    const [authority, path, ttlSeconds] = make();
    const { address, seen } = await serve((_request, response) => response.end('{}'), authority, path, ttlSeconds);
    const asked = client(address);
    await expect(asked.requestX509(call)).rejects.toMatchObject({
      code: 'untrusted',
      reason: 'untrusted',
      isRetryable: true,
      isFinal: false,
    });
    expect(seen).toEqual([]);
    asked.close();
  });

  it('tells a refusal by its word, its finality and its time to come back', async () => {
    const answers = [
      [429, { reason: 'rate-limited', message: 'Too many.', retryAfterSeconds: 3, traceId: 't' }],
      [403, { reason: 'pod-unknown', message: 'No such pod.', traceId: 't' }],
      [502, { odd: true }],
    ] as const;
    let next = 0;
    const { address } = await serve((_request, response) => {
      const [status, body] = answers[next] ?? [500, {}];
      next += 1;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    const asked = client(address);
    await expect(asked.requestX509(call)).rejects.toMatchObject({
      code: 'refused',
      reason: 'rate-limited',
      status: 429,
      retryAfterSeconds: 3,
      isFinal: false,
    });
    await expect(asked.requestX509(call)).rejects.toMatchObject({
      reason: 'pod-unknown',
      isFinal: true,
      isRetryable: false,
    });
    await expect(asked.requestX509(call)).rejects.toMatchObject({ reason: 'refused', status: 502, isFinal: false });
    asked.close();
  });

  it('refuses an answer that is not of the contract, or none in time, or nobody there', async () => {
    const { address } = await serve((request, response) => {
      if (request.url === '/v1/svid/x509') {
        response.end('{"chain": []}');
      }
    });
    const asked = client(address, { callTimeoutMs: 100 });
    await expect(asked.requestX509(call)).rejects.toMatchObject({ code: 'malformed-answer' });
    await expect(asked.sendEvents(address, [{}])).rejects.toMatchObject({ code: 'unreachable' });
    asked.close();
    const nobody = client('127.0.0.1:1');
    await expect(nobody.requestX509(call)).rejects.toMatchObject({ code: 'unreachable', isRetryable: true });
    nobody.close();
  });

  it('reads a stream however its lines are cut, passing over types it does not know', async () => {
    const { address } = await serve((_request, response) => {
      const text = `${JSON.stringify({ type: 'hello', stream: 's', address: 'x:1' })}\n{"type":"from-the-future"}\n${JSON.stringify({ type: 'heartbeat' })}\n\n${JSON.stringify({ type: 'renew', splaySeconds: 1, reason: 'é' })}\n`;
      for (const byte of Buffer.from(text)) {
        response.write(Buffer.of(byte));
      }
      setTimeout(() => response.end(), 20);
    });
    const got: StreamMessage[] = [];
    const asked = client(address);
    const stream = await asked.openStream((message) => got.push(message));
    expect(stream).toMatchObject({ stream: 's', address: 'x:1' });
    expect(await stream.ended).toBe('closed-by-authority');
    expect(got).toEqual([{ type: 'heartbeat' }, { type: 'renew', splaySeconds: 1, reason: 'é' }]);
    asked.close();
  });

  const ends: readonly (readonly [string, string, string])[] = [
    ['is not JSON', '{nonsense\n', 'malformed'],
    ['falls silent', '', 'silent'],
  ];
  it.each(ends)('gives up a stream that %s', async (_name, rest, end) => {
    const { address } = await serve((_request, response) => {
      response.write(`${JSON.stringify({ type: 'hello', stream: 's', address: 'x:1' })}\n${rest}`);
    });
    const asked = client(address, { silenceTimeoutMs: 50 });
    const stream = await asked.openStream(() => undefined);
    expect(await stream.ended).toBe(end);
    asked.close();
  });

  it('fails to open a stream without hello, and a refused one by its reason', async () => {
    const mute = await serve((_request, response) => response.flushHeaders());
    const asked = client(mute.address, { callTimeoutMs: 80 });
    await expect(asked.openStream(() => undefined)).rejects.toMatchObject({ code: 'unreachable' });
    asked.close();
    const refusing = await serve(
      (_request, response) =>
        void response
          .writeHead(401)
          .end(JSON.stringify({ reason: 'client-certificate-missing', message: 'm', traceId: 't' })),
    );
    const other = client(refusing.address);
    await expect(other.openStream(() => undefined)).rejects.toMatchObject({
      reason: 'client-certificate-missing',
      status: 401,
    });
    other.close();
  });
});
