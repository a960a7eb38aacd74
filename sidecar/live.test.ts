import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { x509Bundle } from '../spiffe/trust-bundle.ts';
import { endpointAt, openTo, type Plane, type PlaneOptions, startPlane } from '../test/builders/data-plane.ts';
import { type ManualClock, manualClock } from '../test/builders/manual-clock.ts';
import { dialPort, endOf, opened, readAll, startApp } from '../test/builders/tcp.ts';
import { createTestAuthority } from '../test/builders/test-authority.ts';

const things = opened();
afterEach(() => things.close());

const authority = createTestAuthority({ trustDomain: 'td-a' });
const orders = 'spiffe://td-a/ns/shop/sa/orders';

interface Pair {
  readonly port: number;
  readonly caller: Plane;
  readonly callee: Plane;
}

async function startPair(onConnection: (socket: Socket) => void, options: Partial<PlaneOptions> = {}): Promise<Pair> {
  const appPort = await startApp(things, onConnection);
  const callee = await startPlane({ authority, path: '/ns/shop/sa/orders', appPort, ...options });
  const caller = await startPlane({ authority, path: '/ns/shop/sa/web', ...options });
  things.add(callee.stop);
  things.add(caller.stop);
  const endpoints = [endpointAt(callee.inboundPort, orders)];
  const port = await caller.openDoor({ key: 'orders.shop.svc:80', generation: 1, kind: 'mesh', endpoints });
  return { port, caller, callee };
}

const echo = (socket: Socket): void => void socket.pipe(socket);

/** Sends and waits for the echo: the connection is carried by then. */
async function exchange(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const chunk: unknown = await new Promise((resolve) => socket.once('data', resolve));
  return String(chunk);
}

describe('live connections', () => {
  it('lose nothing while SVIDs rotate every 20 ms', async () => {
    const { port, caller, callee } = await startPair(echo);
    const long = dialPort(things, port);
    await exchange(long, 'begin');
    const serials = new Set<string>();
    const timer = setInterval(() => {
      serials.add(callee.rotate().serial);
      caller.rotate();
    }, 20);
    things.add(() => clearInterval(timer));
    const until = performance.now() + 1_500;
    let carried = 0;
    const loop = async (): Promise<void> => {
      while (performance.now() < until) {
        const message = randomBytes(1_000);
        const socket = dialPort(things, port);
        socket.end(message);
        expect(Buffer.compare(await readAll(socket), message)).toBe(0);
        carried += 1;
      }
    };
    await Promise.all(Array.from({ length: 5 }, loop));
    expect(await exchange(long, 'still here')).toBe('still here');
    expect(carried).toBeGreaterThan(20);
    expect(serials.size).toBeGreaterThan(20);
    expect(await callee.metric('refusals_total')).toBe(0);
    expect(await caller.metric('refusals_total')).toBe(0);
    const seen = new Set(caller.events.flatMap((event) => ('peerSerial' in event ? [event.peerSerial] : [])));
    expect(seen.size).toBeGreaterThan(1);
  });

  it('are reset when the policy no longer lets them in', async () => {
    const { port, callee } = await startPair(echo);
    const socket = dialPort(things, port);
    await exchange(socket, 'x');
    callee.setAccess(openTo('td-b'));
    expect(await endOf(socket)).toBe('ECONNRESET');
    await expect.poll(() => callee.metric('connections_total', { end: 'policy-changed' })).toBe(1);
  });

  it('live on when the policy changes and still lets them in', async () => {
    const { port, callee } = await startPair(echo);
    const socket = dialPort(things, port);
    await exchange(socket, 'x');
    callee.setAccess(openTo('td-a', 'audit'));
    expect(await exchange(socket, 'y')).toBe('y');
  });

  it('carry plaintext no longer when the mode becomes enforce', async () => {
    const appPort = await startApp(things, echo);
    const plane = await startPlane({ authority, path: '/x', appPort, access: openTo('td-a', 'audit') });
    things.add(plane.stop);
    const socket = dialPort(things, plane.inboundPort);
    await exchange(socket, 'GET /');
    plane.setAccess(openTo('td-a'));
    expect(await endOf(socket)).toBe('ECONNRESET');
    await expect.poll(() => plane.metric('connections_total', { kind: 'plaintext', end: 'policy-changed' })).toBe(1);
  });

  it('are reset when the anchor they were judged by is removed', async () => {
    const { port, callee } = await startPair(echo);
    const socket = dialPort(things, port);
    await exchange(socket, 'x');
    const other = createTestAuthority({ trustDomain: 'td-a' });
    const bundles = new Map([[authority.trustDomain, x509Bundle(authority.trustDomain, other.bundle.authorities)]]);
    callee.store.acceptBundles({ bundles, sequence: 2n });
    expect(await endOf(socket)).toBe('ECONNRESET');
    await expect.poll(() => callee.metric('connections_total', { end: 'trust-removed' })).toBe(1);
  });

  it('live on when bundles of a lower sequence arrive', async () => {
    const { port, callee } = await startPair(echo);
    const socket = dialPort(things, port);
    await exchange(socket, 'x');
    callee.store.acceptBundles({ bundles: new Map(), sequence: 0n });
    expect(await exchange(socket, 'y')).toBe('y');
  });

  it('end by themselves during a drain, and new ones are not accepted', async () => {
    const { port, callee } = await startPair(echo);
    const socket = dialPort(things, port);
    await exchange(socket, 'x');
    const stopped = callee.stop();
    expect(await exchange(socket, 'y')).toBe('y');
    expect(await endOf(dialPort(things, port))).toBe('ECONNRESET');
    socket.end();
    await stopped;
    expect(await callee.metric('connections_total', { end: 'eof' })).toBe(1);
    expect(await callee.metric('connections_open', { direction: 'inbound' })).toBe(0);
  });

  it('are reset when a drain takes too long, handshakes under way too', async () => {
    const { port, callee } = await startPair(echo, { times: { drainTimeoutMs: 100 } });
    const sockets = Array.from({ length: 20 }, () => dialPort(things, port));
    await Promise.all(sockets.map((socket) => exchange(socket, 'x')));
    dialPort(things, callee.inboundPort).write(Buffer.from('1603010200010001fc0303', 'hex'));
    await callee.stop();
    expect(await callee.metric('connections_total', { end: 'drain-timeout' })).toBe(20);
    expect(await Promise.all(sockets.map(endOf))).toEqual(sockets.map(() => 'ECONNRESET'));
  });
});

describe('times, on a clock that is moved by hand', () => {
  const start = new Date();

  async function timed(options: Partial<PlaneOptions> = {}): Promise<Pair & { clock: ManualClock }> {
    const clock = manualClock(start);
    const pair = await startPair(echo, { clock, ...options });
    return { ...pair, clock };
  }

  /** Whichever side notices first ends the connection for both. */
  const endedBy = async ({ caller, callee }: Pair, end: string): Promise<number> =>
    (await caller.metric('connections_total', { end })) + (await callee.metric('connections_total', { end }));

  it('resets what is silent in both directions for the idle timeout, and nothing sooner', async () => {
    const { clock, ...pair } = await timed({ times: { idleTimeoutMs: 60_000 } });
    const socket = dialPort(things, pair.port);
    await exchange(socket, 'x');
    await clock.advance(50_000);
    await exchange(socket, 'y');
    await clock.advance(58_000);
    expect(await exchange(socket, 'z')).toBe('z');
    const end = endOf(socket);
    await clock.advance(62_000);
    expect(await end).toBe('ECONNRESET');
    await expect.poll(() => endedBy(pair, 'idle-timeout')).toBeGreaterThan(0);
  });

  it('resets what is half-closed and silent', async () => {
    const clock = manualClock(start);
    const appPort = await startApp(things, (socket) => socket.resume());
    const access = openTo('td-a', 'audit');
    const times = { halfCloseTimeoutMs: 10_000 };
    const plane = await startPlane({ authority, path: '/x', appPort, clock, times, access });
    things.add(plane.stop);
    const socket = dialPort(things, plane.inboundPort);
    const end = endOf(socket);
    socket.end('GET /');
    await expect.poll(() => plane.metric('connections_open', { direction: 'inbound' })).toBe(1);
    await clock.advance(9_000);
    expect(await plane.metric('connections_open', { direction: 'inbound' })).toBe(1);
    await clock.advance(4_000);
    expect(await end).toBe('ECONNRESET');
    await expect.poll(() => plane.metric('connections_total', { end: 'half-close-timeout' })).toBe(1);
  });

  it('ends an old connection cleanly at a quiet point before its SVIDs end', async () => {
    const { clock, ...pair } = await timed({ issue: { ttlSeconds: 1_000 } });
    const socket = dialPort(things, pair.port);
    await exchange(socket, 'x');
    await clock.advance(700_000);
    expect(await exchange(socket, 'y')).toBe('y');
    const end = endOf(socket);
    await clock.advance(250_000);
    expect(await end).toBe('');
    socket.end();
    await expect.poll(() => endedBy(pair, 'max-age')).toBeGreaterThan(0);
  });

  it('resets a busy connection before its SVIDs end', async () => {
    const { clock, ...pair } = await timed({ issue: { ttlSeconds: 1_000 } });
    const socket = dialPort(things, pair.port);
    await exchange(socket, 'x');
    const end = endOf(socket);
    for (let second = 0; second < 999 && (await endedBy(pair, 'max-age')) === 0; second += 1) {
      if (second >= 700) {
        socket.write('busy');
      }
      await clock.advance(1_000);
    }
    expect(await end).toBe('ECONNRESET');
    expect(clock.now().getTime()).toBeLessThan(start.getTime() + 1_000_000);
  });
});
