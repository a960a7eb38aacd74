import { connect as connectTls, createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { openTo, type Plane, type PlaneOptions, startPlane } from '../../test/builders/data-plane.ts';
import { manualClock } from '../../test/builders/manual-clock.ts';
import { dialPort, endOf, opened, startApp } from '../../test/builders/tcp.ts';
import { createTestAuthority, type IssuedSvid, secondsFrom } from '../../test/builders/test-authority.ts';
import type { RefusalReason } from '../reasons.ts';

const things = opened();
afterEach(() => things.close());

const home = createTestAuthority({ trustDomain: 'td-a' });
const partner = createTestAuthority({ trustDomain: 'td-b' });
const stranger = createTestAuthority({ trustDomain: 'td-c' });
const known = new Map([...home.bundles, ...partner.bundles]);

async function start(options: Partial<PlaneOptions> = {}): Promise<Plane> {
  const appPort = await startApp(things, (socket) => socket.end('answer'));
  const plane = await startPlane({ authority: home, path: '/ns/shop/sa/orders', bundles: known, appPort, ...options });
  things.add(plane.stop);
  return plane;
}

/** A TLS client that believes anybody: it is the server's judgement that is asked for. */
function visit(
  plane: Plane,
  svid: IssuedSvid | undefined,
  more: SecureContextOptions & { ALPNProtocols?: string[]; session?: Buffer } = {},
): TLSSocket {
  const { ALPNProtocols = ['sallyport/1'], session, ...context } = more;
  const socket = connectTls({
    host: '127.0.0.1',
    port: plane.inboundPort,
    secureContext: createSecureContext({
      minVersion: 'TLSv1.3',
      ...(svid === undefined ? {} : { cert: svid.certPem, key: svid.keyPem }),
      ...context,
    }),
    ALPNProtocols,
    ...(session === undefined ? {} : { session }),
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  things.add(() => socket.destroy());
  return socket;
}

/** Refused exactly once, for this reason and no other, in metric and audit; the caller got no byte. */
async function expectRefused(plane: Plane, reason: RefusalReason, detail?: string): Promise<void> {
  await expect.poll(() => plane.metric('refusals_total', { direction: 'inbound' })).toBe(1);
  expect(await plane.metric('refusals_total', { direction: 'inbound', reason })).toBe(1);
  expect(plane.events).toHaveLength(1);
  expect(plane.events[0]).toMatchObject({
    event: 'access.denied',
    outcome: 'refused',
    reasonCode: reason,
    ...(detail === undefined ? {} : { detail }),
  });
  expect(await plane.metric('connections_total')).toBe(0);
  plane.journal.flush();
  expect(plane.events.at(-1)).toMatchObject({ event: 'access.summary', refusals: 1, connections: 0 });
}

describe('what an inbound connection is let in by', () => {
  it('lets a peer of the own domain in', async () => {
    const plane = await start();
    expect(await endOf(visit(plane, home.issue({ path: '/ns/shop/sa/web' })))).toBe('answer');
  });

  it('lets a peer behind an intermediate in', async () => {
    const plane = await start();
    expect(await endOf(visit(plane, home.issue({ path: '/ns/shop/sa/web', intermediate: true })))).toBe('answer');
  });

  it('lets a peer of another domain in by that domain’s own anchors', async () => {
    const plane = await start({ access: openTo('td-b') });
    expect(await endOf(visit(plane, partner.issue({ path: '/region/eu' })))).toBe('answer');
  });

  it('makes a full handshake with a peer that offers to resume a session', async () => {
    const plane = await start();
    const svid = home.issue({ path: '/ns/shop/sa/web' });
    const first = visit(plane, svid);
    const session = Promise.withResolvers<Buffer | undefined>();
    first.once('session', session.resolve);
    const answer = await endOf(first);
    expect(answer).toBe('answer');
    setTimeout(() => session.resolve(undefined), 50);
    const offered = await session.promise;
    const second = visit(plane, svid, offered === undefined ? {} : { session: offered });
    expect(await endOf(second)).toBe('answer');
    expect(second.isSessionReused()).toBe(false);
  });

  it('lets a plain SPIFFE peer in, which offers other protocols or none', async () => {
    const plane = await start();
    const svid = home.issue({ path: '/ns/shop/sa/web' });
    expect(await endOf(visit(plane, svid, { ALPNProtocols: ['h2', 'http/1.1'] }))).toBe('answer');
    expect(await endOf(visit(plane, svid, { ALPNProtocols: ['h2'] }))).toBe('answer');
  });
});

describe('why an inbound connection is refused', () => {
  it('tls-untrusted: an anchor that nobody here knows', async () => {
    const plane = await start();
    expect(await endOf(visit(plane, stranger.issue({ path: '/ns/shop/sa/web' })))).toBe('ECONNRESET');
    await expectRefused(plane, 'tls-untrusted', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY');
  });

  it('tls-untrusted: an expired SVID', async () => {
    const plane = await start();
    const now = new Date();
    const svid = home.issue({ path: '/ns/shop/sa/web', notBefore: secondsFrom(now, -600), ttlSeconds: -60 });
    expect(await endOf(visit(plane, svid))).toBe('ECONNRESET');
    await expectRefused(plane, 'tls-untrusted', 'CERT_HAS_EXPIRED');
  });

  it('peer-invalid: an id of td-b signed by the CA of td-a, which OpenSSL alone lets pass', async () => {
    const plane = await start({ access: openTo('td-b') });
    const forged = home.issue({ path: '/x', leaf: { uris: ['spiffe://td-b/region/eu'] } });
    expect(await endOf(visit(plane, forged))).toBe('ECONNRESET');
    await expectRefused(plane, 'peer-invalid');
  });

  it('peer-domain-unknown: an id of a domain without bundle, signed by a known CA', async () => {
    const plane = await start({ access: openTo('td-z') });
    const forged = home.issue({ path: '/x', leaf: { uris: ['spiffe://td-z/web'] } });
    expect(await endOf(visit(plane, forged))).toBe('ECONNRESET');
    await expectRefused(plane, 'peer-domain-unknown');
  });

  it.each([
    { what: 'X-01 two URIs', leaf: { uris: ['spiffe://td-a/a', 'spiffe://td-a/b'] } },
    { what: 'X-01 no URI', leaf: { uris: [], dnsNames: ['web.example'] } },
    { what: 'X-03 an id without a path', leaf: { uris: ['spiffe://td-a'] } },
    { what: 'a URI that is no SPIFFE ID', leaf: { uris: ['https://td-a/web'] } },
  ])('peer-invalid: $what', async ({ leaf }) => {
    const plane = await start();
    expect(await endOf(visit(plane, home.issue({ path: '/web', leaf })))).toBe('ECONNRESET');
    await expectRefused(plane, 'peer-invalid');
  });

  it('no-client-certificate', async () => {
    const plane = await start();
    await endOf(visit(plane, undefined));
    await expectRefused(plane, 'no-client-certificate');
  });

  it('access-denied: a proven peer that no policy lets in', async () => {
    const plane = await start({ access: openTo('td-b') });
    expect(await endOf(visit(plane, home.issue({ path: '/ns/shop/sa/web' })))).toBe('ECONNRESET');
    await expectRefused(plane, 'access-denied');
    expect(plane.events[0]).toMatchObject({ peer: 'spiffe://td-a/ns/shop/sa/web', principal: { kind: 'workload' } });
  });

  it('tls-protocol: a client that speaks TLS 1.2 only', async () => {
    const plane = await start();
    const svid = home.issue({ path: '/ns/shop/sa/web' });
    await endOf(visit(plane, svid, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }));
    await expectRefused(plane, 'tls-protocol');
  });

  it('tls-protocol: bytes that begin like a hello and are none', async () => {
    const plane = await start();
    const socket = dialPort(things, plane.inboundPort);
    socket.write(Buffer.from('160301000502000001ff', 'hex'));
    expect(await endOf(socket)).toBe('ECONNRESET');
    await expectRefused(plane, 'tls-protocol', 'hello-malformed');
  });

  it('tls-protocol: a caller that leaves without a word', async () => {
    const plane = await start();
    dialPort(things, plane.inboundPort).end();
    await expectRefused(plane, 'tls-protocol', 'closed-before-hello');
  });

  it('plaintext: an ordinary HTTP request', async () => {
    const plane = await start();
    const socket = dialPort(things, plane.inboundPort);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    expect(await endOf(socket)).toBe('ECONNRESET');
    await expectRefused(plane, 'plaintext');
  });

  it('first-byte-timeout: a caller that says nothing', async () => {
    const plane = await start({ times: { firstByteTimeoutMs: 50 } });
    expect(await endOf(dialPort(things, plane.inboundPort))).toBe('ECONNRESET');
    await expectRefused(plane, 'first-byte-timeout');
  });

  it('handshake-timeout: a hello that never becomes whole', async () => {
    const plane = await start({ times: { firstByteTimeoutMs: 50, handshakeTimeoutMs: 50 } });
    const socket = dialPort(things, plane.inboundPort);
    socket.write(Buffer.from('1603010200010001fc0303', 'hex'));
    expect(await endOf(socket)).toBe('ECONNRESET');
    await expectRefused(plane, 'handshake-timeout', 'hello-incomplete');
  });

  it('identity-expired: the own SVID has ended', async () => {
    const clock = manualClock(new Date());
    const plane = await start({ clock });
    await clock.advance(3_601_000);
    expect(await endOf(visit(plane, home.issue({ path: '/ns/shop/sa/web' })))).toBe('ECONNRESET');
    await expectRefused(plane, 'identity-expired');
  });

  it('connection-limit: more connections than the memory holds', async () => {
    const plane = await start({ limits: { maxConnections: 1 } });
    const first = dialPort(things, plane.inboundPort);
    first.write(Buffer.from([0x16]));
    await new Promise((resolve) => first.once('connect', resolve));
    expect(await endOf(dialPort(things, plane.inboundPort))).toBe('ECONNRESET');
    await expectRefused(plane, 'connection-limit');
  });

  it('connection-limit: one address that opens too many at once', async () => {
    const plane = await start({ limits: { connectionsPerSecond: 0.001, connectionBurst: 1 } });
    const svid = home.issue({ path: '/ns/shop/sa/web' });
    expect(await endOf(visit(plane, svid))).toBe('answer');
    expect(await endOf(visit(plane, svid))).toBe('ECONNRESET');
    expect(await plane.metric('refusals_total', { reason: 'connection-limit' })).toBe(1);
  });

  it('handshake-limit: too many handshakes of one address', async () => {
    const plane = await start({ limits: { maxHandshakesPerAddress: 0 } });
    expect(await endOf(visit(plane, home.issue({ path: '/ns/shop/sa/web' })))).toBe('ECONNRESET');
    await expectRefused(plane, 'handshake-limit');
  });

  it('app-refused: nothing listens behind the mapping', async () => {
    const plane = await start({ appPort: 1 });
    expect(await endOf(visit(plane, home.issue({ path: '/ns/shop/sa/web' })))).toBe('ECONNRESET');
    await expectRefused(plane, 'app-refused', 'ECONNREFUSED');
  });

  it('keeps a good caller quick while many hellos never become whole', async () => {
    const plane = await start();
    for (let index = 0; index < 500; index += 1) {
      dialPort(things, plane.inboundPort).write(Buffer.from('1603010200010001fc0303', 'hex'));
    }
    await expect
      .poll(() => endOf(visit(plane, home.issue({ path: '/ns/shop/sa/web' }))), { timeout: 2_000 })
      .toBe('answer');
  });

  it('records a storm of equal refusals as ten and one with the rest, losing none', async () => {
    const plane = await start();
    for (let index = 0; index < 25; index += 1) {
      const socket = dialPort(things, plane.inboundPort);
      socket.write('GET / HTTP/1.1\r\n\r\n');
      await endOf(socket);
    }
    plane.journal.flush();
    const denied = plane.events.filter(({ event }) => event === 'access.denied');
    expect(denied).toHaveLength(11);
    const counted = denied.reduce((sum, event) => sum + ('count' in event ? (event.count ?? 1) : 1), 0);
    expect(counted).toBe(25);
    expect(await plane.metric('refusals_total', { reason: 'plaintext' })).toBe(25);
  });
});

describe('a namespace that only watches', () => {
  it.each(['audit', 'warn'] as const)('%s lets plaintext pass and records it', async (mode) => {
    const plane = await start({ access: { mode, rules: [] } });
    const socket = dialPort(things, plane.inboundPort);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    expect(await endOf(socket)).toBe('answer');
    socket.end();
    await expect.poll(() => plane.metric('connections_total', { kind: 'plaintext' })).toBe(1);
    expect(plane.events[0]).toMatchObject({ event: 'access.plaintext', exception: 'mode', wouldDeny: 'plaintext' });
    expect(await plane.metric('would_refuse_total', { reason: 'plaintext' })).toBe(1);
    expect(await plane.metric('refusals_total')).toBe(0);
  });

  it('lets a server speak first to a silent caller', async () => {
    const plane = await start({ access: { mode: 'audit', rules: [] } });
    expect(await endOf(dialPort(things, plane.inboundPort))).toBe('answer');
  });

  it('lets a peer pass that no policy opens to, and records it each time', async () => {
    const plane = await start({ access: { mode: 'audit', rules: [] } });
    const svid = home.issue({ path: '/ns/shop/sa/web' });
    for (let index = 0; index < 3; index += 1) {
      const socket = visit(plane, svid);
      expect(await endOf(socket)).toBe('answer');
      socket.end();
    }
    await expect.poll(() => plane.events.length).toBe(3);
    expect(plane.events[2]).toMatchObject({ event: 'access.granted', wouldDeny: 'access-denied' });
  });

  it('still refuses a failed proof', async () => {
    const plane = await start({ access: { mode: 'audit', rules: [] } });
    expect(await endOf(visit(plane, stranger.issue({ path: '/ns/shop/sa/web' })))).toBe('ECONNRESET');
    await expectRefused(plane, 'tls-untrusted');
  });
});
