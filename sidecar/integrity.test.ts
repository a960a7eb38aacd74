import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { endpointAt, type Plane, startPlane } from '../test/builders/data-plane.ts';
import { dialPort, opened, readAll, startApp } from '../test/builders/tcp.ts';
import { createTestAuthority } from '../test/builders/test-authority.ts';

const things = opened();
afterEach(() => things.close());

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const authority = createTestAuthority({ trustDomain: 'td-a' });

/** Caller and callee, each with its sidecar; gives the port that the caller's application dials. */
async function startPair(
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; caller: Plane; callee: Plane }> {
  const appPort = await startApp(things, onConnection);
  const callee = await startPlane({ authority, path: '/ns/shop/sa/orders', appPort });
  const caller = await startPlane({ authority, path: '/ns/shop/sa/web' });
  things.add(callee.stop);
  things.add(caller.stop);
  const port = await caller.openDoor({
    key: 'orders.shop.svc:80',
    generation: 1,
    kind: 'mesh',
    endpoints: [endpointAt(callee.inboundPort, 'spiffe://td-a/ns/shop/sa/orders')],
  });
  return { port, caller, callee };
}

describe('two sidecars and what goes through them', () => {
  it('carries 300 unique messages, each back where it came from', async () => {
    const { port, callee, caller } = await startPair((socket) => void socket.pipe(socket));
    const answers = await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const message = Buffer.concat([Buffer.from(`${index}:`), randomBytes(200)]);
        const socket = dialPort(things, port);
        socket.end(message);
        return sha256(await readAll(socket)) === sha256(message);
      }),
    );
    expect(answers.filter(Boolean)).toHaveLength(300);
    await expect.poll(() => callee.metric('connections_total', { kind: 'mtls', end: 'eof' })).toBe(300);
    await expect.poll(() => caller.metric('connections_total', { kind: 'mtls', end: 'eof' })).toBe(300);
  });

  it('echoes 24 MiB against a reader that stalls, byte for byte', async () => {
    const { port, callee } = await startPair((socket) => void socket.pipe(socket));
    const sent = randomBytes(24 * 1024 * 1024);
    const socket = dialPort(things, port);
    const received: Buffer[] = [];
    const ended = new Promise<void>((resolve) => socket.once('end', resolve));
    let pauses = 0;
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      if (received.length % 64 === 0 && pauses < 10) {
        pauses += 1;
        socket.pause();
        setTimeout(() => socket.resume(), 20);
      }
    });
    socket.end(sent);
    await ended;
    expect(pauses).toBeGreaterThan(3);
    expect(Buffer.concat(received).length).toBe(sent.length);
    expect(sha256(Buffer.concat(received))).toBe(sha256(sent));
    await expect.poll(() => callee.metric('bytes_total', { way: 'in' })).toBe(sent.length);
    expect(await callee.metric('bytes_total', { way: 'out' })).toBe(sent.length);
  });

  it('keeps the way back open after the caller has half-closed', async () => {
    const late = randomBytes(300_000);
    const { port } = await startPair((socket) => {
      socket.resume();
      socket.once('end', () => setTimeout(() => socket.end(late), 100));
    });
    const socket = dialPort(things, port);
    socket.end('asked');
    expect(sha256(await readAll(socket))).toBe(sha256(late));
  });

  it('keeps the way forth open after the application has half-closed', async () => {
    const late = randomBytes(300_000);
    const got = Promise.withResolvers<Buffer>();
    const { port } = await startPair((socket) => {
      socket.end('early');
      readAll(socket).then(got.resolve, got.reject);
    });
    const socket = dialPort(things, port);
    expect((await readAll(socket)).toString()).toBe('early');
    socket.end(late);
    expect(sha256(await got.promise)).toBe(sha256(late));
  });

  it('passes a reset of the application on as a reset', async () => {
    const { port, callee, caller } = await startPair((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const socket = dialPort(things, port);
    socket.write('x');
    await expect(readAll(socket)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect.poll(() => callee.metric('connections_total', { end: 'reset' })).toBe(1);
    await expect.poll(() => caller.metric('connections_total', { end: 'reset' })).toBe(1);
  });

  it('passes a reset of the caller on as a reset', async () => {
    const seen = Promise.withResolvers<string>();
    const { port } = await startPair((socket) => {
      socket.write('hello');
      socket.resume();
      socket.once('error', (error: NodeJS.ErrnoException) => seen.resolve(error.code ?? ''));
      socket.once('end', () => seen.resolve('end'));
    });
    const socket = dialPort(things, port);
    socket.once('data', () => socket.resetAndDestroy());
    expect(await seen.promise).toBe('ECONNRESET');
  });

  it('names the connection alike at both ends', async () => {
    const { port, callee, caller } = await startPair((socket) => void socket.pipe(socket));
    const socket = dialPort(things, port);
    socket.end('x');
    await readAll(socket);
    await expect.poll(() => callee.events.length + caller.events.length).toBe(2);
    const [there] = callee.events;
    const [here] = caller.events;
    expect(there).toMatchObject({
      event: 'access.granted',
      direction: 'inbound',
      peer: 'spiffe://td-a/ns/shop/sa/web',
      bytes: { in: 1, out: 1 },
    });
    expect(here).toMatchObject({
      event: 'access.granted',
      direction: 'outbound',
      peer: 'spiffe://td-a/ns/shop/sa/orders',
      bytes: { in: 1, out: 1 },
    });
    expect(there?.correlation?.connectionId).toMatch(/^[0-9a-f]{32}$/);
    expect(there?.correlation?.connectionId).toBe(here?.correlation?.connectionId);
  });
});
