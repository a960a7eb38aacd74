import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Destination, Endpoint } from '../../authority/client/messages.ts';
import { endpointAt, openTo, type Plane, type PlaneOptions, startPlane } from '../../test/builders/data-plane.ts';
import { manualClock } from '../../test/builders/manual-clock.ts';
import { dialPort, endOf, opened, startApp } from '../../test/builders/tcp.ts';
import { createTestAuthority } from '../../test/builders/test-authority.ts';
import type { RefusalReason } from '../reasons.ts';

const things = opened();
afterEach(() => things.close());

const home = createTestAuthority({ trustDomain: 'td-a' });
const orders = 'spiffe://td-a/ns/shop/sa/orders';

const to = (endpoints: readonly Endpoint[], kind: Destination['kind'] = 'mesh'): Destination => ({
  key: 'orders.shop.svc:80',
  generation: 1,
  kind,
  endpoints: [...endpoints],
});

async function startOrders(options: Partial<PlaneOptions> = {}): Promise<Plane> {
  const appPort = await startApp(things, (socket) => socket.end('answer'));
  const plane = await startPlane({ authority: home, path: '/ns/shop/sa/orders', appPort, ...options });
  things.add(plane.stop);
  return plane;
}

async function startCaller(options: Partial<PlaneOptions> = {}): Promise<Plane> {
  const plane = await startPlane({ authority: home, path: '/ns/shop/sa/web', ...options });
  things.add(plane.stop);
  return plane;
}

async function visit(caller: Plane, destination: Destination | undefined): Promise<string> {
  const socket = dialPort(things, await caller.openDoor(destination));
  const end = await endOf(socket);
  socket.end();
  return end;
}

async function expectRefused(caller: Plane, reason: RefusalReason): Promise<void> {
  await expect.poll(() => caller.metric('refusals_total', { direction: 'outbound' })).toBe(1);
  expect(await caller.metric('refusals_total', { direction: 'outbound', reason })).toBe(1);
  expect(caller.events.map(({ event, reasonCode }) => [event, reasonCode])).toEqual([['access.denied', reason]]);
}

describe('an outbound connection', () => {
  it('is carried to an endpoint that proves its id', async () => {
    const callee = await startOrders();
    const caller = await startCaller();
    expect(await visit(caller, to([endpointAt(callee.inboundPort, orders)]))).toBe('answer');
    await expect.poll(() => caller.metric('connections_total', { direction: 'outbound', kind: 'mtls' })).toBe(1);
  });

  it('goes on to another endpoint when one does not answer', async () => {
    const callee = await startOrders();
    const caller = await startCaller();
    const endpoints = [endpointAt(1, orders), endpointAt(callee.inboundPort, orders)];
    const ends = await Promise.all(Array.from({ length: 8 }, () => visit(caller, to(endpoints))));
    expect(ends).toEqual(ends.map(() => 'answer'));
    expect(await caller.metric('refusals_total')).toBe(0);
  });

  it('never uses a plaintext endpoint of a meshed destination, even when no other answers', async () => {
    const appPort = await startApp(things, (socket) => socket.end('plain'));
    const caller = await startCaller();
    const plain = endpointAt(appPort, orders, { ids: [], plaintext: true, ours: false });
    expect(await visit(caller, to([plain, endpointAt(1, orders)]))).toBe('ECONNRESET');
    await expectRefused(caller, 'connect-failed');
  });

  it('passes to a destination outside the mesh in plaintext, and says so', async () => {
    const appPort = await startApp(things, (socket) => socket.end('plain'));
    const caller = await startCaller();
    const plain = endpointAt(appPort, orders, { ids: [], plaintext: true, ours: false });
    expect(await visit(caller, to([plain], 'outside'))).toBe('plain');
    await expect.poll(() => caller.metric('connections_total', { kind: 'egress' })).toBe(1);
    expect(caller.events[0]).toMatchObject({ event: 'access.plaintext', exception: 'egress' });
  });
});

describe('why an outbound connection is refused', () => {
  it('peer-id-mismatch: a proven peer that is not who must answer there', async () => {
    const callee = await startOrders({ path: '/ns/shop/sa/other' });
    const caller = await startCaller();
    expect(await visit(caller, to([endpointAt(callee.inboundPort, orders)]))).toBe('ECONNRESET');
    await expectRefused(caller, 'peer-id-mismatch');
    expect(await callee.metric('connections_total', { end: 'eof' })).toBe(0);
  });

  it('tls-untrusted: an endpoint signed by nobody known', async () => {
    const foreign = createTestAuthority({ trustDomain: 'td-a' });
    const callee = await startOrders({ authority: foreign });
    const caller = await startCaller();
    expect(await visit(caller, to([endpointAt(callee.inboundPort, orders)]))).toBe('ECONNRESET');
    await expectRefused(caller, 'tls-untrusted');
  });

  it('peer-invalid: the right id signed by another domain’s CA', async () => {
    const partner = createTestAuthority({ trustDomain: 'td-b' });
    const bundles = new Map([...home.bundles, ...partner.bundles]);
    const callee = await startOrders({ authority: partner, path: '/x', bundles, access: openTo('td-a') });
    // What the callee shows is rebuilt: td-b's CA signs an id of td-a.
    const forged = partner.issue({ path: '/x', leaf: { uris: [orders] } });
    const held = callee.store.current()?.svid;
    if (held === undefined) {
      throw new TypeError('the callee has no SVID');
    }
    callee.store.acceptSvid({ ...held, chain: forged.chain, key: forged.key }, { bundles, sequence: 1n });
    await new Promise((resolve) => setTimeout(resolve, 150));
    const caller = await startCaller({ bundles });
    expect(await visit(caller, to([endpointAt(callee.inboundPort, orders)]))).toBe('ECONNRESET');
    await expectRefused(caller, 'peer-invalid');
  });

  it('handshake-failed: an endpoint that speaks no TLS', async () => {
    const appPort = await startApp(things, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const caller = await startCaller();
    expect(await visit(caller, to([endpointAt(appPort, orders)]))).toBe('ECONNRESET');
    await expectRefused(caller, 'handshake-failed');
  });

  it('connect-failed: nobody listens', async () => {
    const caller = await startCaller();
    expect(await visit(caller, to([endpointAt(1, orders)]))).toBe('ECONNRESET');
    await expectRefused(caller, 'connect-failed');
  });

  it('no-endpoint: none is ready', async () => {
    const caller = await startCaller();
    expect(await visit(caller, to([endpointAt(1, orders, { ready: false })]))).toBe('ECONNRESET');
    await expectRefused(caller, 'no-endpoint');
  });

  it('destination-unknown', async () => {
    const caller = await startCaller();
    expect(await visit(caller, to([], 'unknown'))).toBe('ECONNRESET');
    await expectRefused(caller, 'destination-unknown');
  });

  it('directory-unavailable: nobody answers for a key never seen', async () => {
    const clock = manualClock(new Date());
    const caller = await startCaller({ clock });
    const end = visit(caller, undefined);
    await expect.poll(() => caller.directory.size()).toBe(1);
    await clock.advance(2_000);
    expect(await end).toBe('ECONNRESET');
    await expectRefused(caller, 'directory-unavailable');
  });

  it('identity-expired: the own SVID has ended', async () => {
    const clock = manualClock(new Date());
    const caller = await startCaller({ clock });
    await clock.advance(3_601_000);
    expect(await visit(caller, to([endpointAt(1, orders)]))).toBe('ECONNRESET');
    await expectRefused(caller, 'identity-expired');
  });

  it('a refusal by the other side reaches the application as a reset', async () => {
    const callee = await startOrders({ access: openTo('td-b') });
    const caller = await startCaller();
    expect(await visit(caller, to([endpointAt(callee.inboundPort, orders)]))).toBe('ECONNRESET');
    expect(await callee.metric('refusals_total', { reason: 'access-denied' })).toBe(1);
  });

  it('no byte of the application is sent to an endpoint that has proven nothing', async () => {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
    things.add(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server.on('connection', (socket) => things.add(() => socket.destroy()));
    const caller = await startCaller();
    const socket = dialPort(things, await caller.openDoor(to([endpointAt(port, orders)])));
    socket.write('secret of the application');
    const seen = await new Promise<string>((resolve) =>
      server.once('connection', (peer) => {
        peer.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')));
        peer.resume();
      }),
    );
    expect(seen.charCodeAt(0)).toBe(0x16);
    expect(seen).not.toContain('secret');
  });
});
