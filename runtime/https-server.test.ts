import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, type SecureContextOptions, TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ManualClock, manualClock } from '../test/builders/manual-clock.ts';
import { createTestAuthority } from '../test/builders/test-authority.ts';
import { deadlineIn } from './deadline.ts';
import type { ServerService } from './http-server.ts';
import { type HttpsServiceOptions, httpsService } from './https-server.ts';

const authority = createTestAuthority({ trustDomain: 'test.example' });
const server = authority.issue({ path: '/ns/a/sa/server' });
const client = createTestAuthority({ trustDomain: 'else.example' }).issue({ path: '/ns/a/sa/client' });
const pairOf = ({ certPem, keyPem }: { certPem: string; keyPem: string }): SecureContextOptions => ({
  cert: certPem,
  key: keyPem,
});

let clock: ManualClock;
let running: ServerService | undefined;
const agents: Agent[] = [];
const sockets: Socket[] = [];

beforeEach(() => {
  clock = manualClock();
});

afterEach(async () => {
  agents.splice(0).forEach((agent) => agent.destroy());
  sockets.splice(0).forEach((socket) => socket.destroy());
  const stopped = running?.stop(deadlineIn(clock, 0));
  await clock.advance(1);
  await stopped;
});

/** Key material that a test can replace. */
function replaceable(first: SecureContextOptions) {
  let current = first;
  const listeners = new Set<() => void>();
  return {
    current: () => current,
    onChange(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    replace(next: SecureContextOptions) {
      current = next;
      listeners.forEach((listener) => listener());
    },
    listenerCount: () => listeners.size,
  };
}

async function serve(handler: RequestListener, options: Partial<HttpsServiceOptions> = {}): Promise<ServerService> {
  running = httpsService({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    tls: replaceable(pairOf(server)),
    drainMs: 5_000,
    clock,
    handler,
    ...options,
  });
  await running.start(new AbortController().signal);
  return running;
}

function newAgent(options: object = {}): Agent {
  const agent = new Agent({
    keepAlive: true,
    ca: authority.anchorPem,
    checkServerIdentity: () => undefined,
    ...options,
  });
  agents.push(agent);
  return agent;
}

interface Answer {
  readonly status: number;
  readonly connection: string | undefined;
  readonly body: string;
  readonly reusedSocket: boolean;
}

function ask(service: ServerService, agent: Agent, path = '/'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...service.address(), agent, path }, (answer: IncomingMessage) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          connection: answer.headers.connection,
          body,
          reusedSocket: asked.reusedSocket,
        }),
      );
      answer.on('error', reject);
    });
    asked.on('error', reject).end();
  });
}

async function handshake(service: ServerService, options: object = {}): Promise<TLSSocket> {
  const socket = connect({
    ...service.address(),
    ca: authority.anchorPem,
    checkServerIdentity: () => undefined,
    ...options,
  });
  sockets.push(socket);
  await once(socket, 'secureConnect');
  return socket;
}

const hello: RequestListener = (_request, answer) => void answer.end('hello');

describe('httpsService', () => {
  it('serves on the address it tells, by TLS 1.3', async () => {
    const service = await serve(hello);
    expect(service.address().port).toBeGreaterThan(0);
    expect(await ask(service, newAgent())).toMatchObject({ status: 200, body: 'hello' });
    expect((await handshake(service)).getProtocol()).toBe('TLSv1.3');
  });

  it('refuses TLS 1.2', async () => {
    const service = await serve(hello);
    await expect(handshake(service, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/alert protocol version|protocol/);
  });

  it('cannot start on a port that is taken, and says so', async () => {
    const first = await serve(hello);
    const second = httpsService({
      name: 'second',
      ...first.address(),
      tls: replaceable(pairOf(server)),
      drainMs: 0,
      clock,
      handler: hello,
    });
    await expect(second.start(new AbortController().signal)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await second.stop(deadlineIn(clock, 0));
    expect(await second.ended).toEqual({ by: 'stop' });
  });

  it('shows new key material to the next handshake and keeps connections that are open', async () => {
    const tls = replaceable(pairOf(server));
    const service = await serve(hello, { tls });
    const agent = newAgent({ maxSockets: 1 });
    await ask(service, agent);
    const before = await handshake(service);
    const next = authority.issue({ path: '/ns/a/sa/server' });
    tls.replace(pairOf(next));
    const after = await handshake(service);
    const serialOf = (socket: TLSSocket) => socket.getPeerX509Certificate()?.serialNumber;
    expect(serialOf(before)).toBe(new X509Certificate(server.certPem).serialNumber);
    expect(serialOf(after)).toBe(new X509Certificate(next.certPem).serialNumber);
    expect(await ask(service, agent)).toMatchObject({ status: 200, reusedSocket: true });
  });

  it('still refuses TLS 1.2 with new key material, and stops listening for more when stopped', async () => {
    const tls = replaceable(pairOf(server));
    const service = await serve(hello, { tls });
    tls.replace(pairOf(authority.issue({ path: '/ns/a/sa/server' })));
    await expect(handshake(service, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/alert protocol version|protocol/);
    await service.stop(deadlineIn(clock, 0));
    expect(tls.listenerCount()).toBe(0);
  });

  it('shows the handler the certificate of a client that has one, whoever signed it, and lets others in without', async () => {
    const seen: (string | undefined)[] = [];
    const isTls = (socket: Socket): socket is TLSSocket => socket instanceof TLSSocket;
    const service = await serve(
      ({ socket }, answer) => {
        seen.push(isTls(socket) ? socket.getPeerX509Certificate()?.subjectAltName : 'no TLS');
        answer.end();
      },
      { clientCertificates: 'optional' },
    );
    await ask(service, newAgent(pairOf(client)));
    await ask(service, newAgent());
    expect(seen).toEqual(['URI:spiffe://else.example/ns/a/sa/client', undefined]);
  });

  it('resumes no session where clients may show certificates, also with new key material', async () => {
    const tls = replaceable(pairOf(server));
    const service = await serve(hello, { clientCertificates: 'optional', tls });
    const isResumed = async (): Promise<boolean> => {
      const first = await handshake(service, pairOf(client));
      let session: Buffer | undefined;
      first.on('session', (given: Buffer) => {
        session = given;
      });
      first.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      await once(first, 'data');
      return (await handshake(service, { ...pairOf(client), session })).isSessionReused();
    };
    expect(await isResumed()).toBe(false);
    tls.replace(pairOf(server));
    expect(await isResumed()).toBe(false);
  });
});

describe('stopping', () => {
  /** A server whose answers wait for the test. */
  async function waiting(options: Partial<HttpsServiceOptions> = {}) {
    const arrived: ServerResponse[] = [];
    const news = Promise.withResolvers<ServerResponse>();
    const service = await serve((_request, answer) => {
      arrived.push(answer);
      news.resolve(answer);
    }, options);
    return { service, arrived, firstArrived: news.promise };
  }

  it('answers what is under way with Connection: close, then is quiet', async () => {
    const { service, firstArrived } = await waiting();
    const asked = ask(service, newAgent());
    const answer = await firstArrived;
    const stopped = service.stop(deadlineIn(clock, 10_000));
    answer.end('done');
    expect(await asked).toMatchObject({ status: 200, body: 'done', connection: 'close' });
    await stopped;
    expect(await service.ended).toEqual({ by: 'stop' });
    await expect(ask(service, newAgent())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('closes a connection whose answer had begun before, as soon as it is complete', async () => {
    const { service, firstArrived } = await waiting();
    const asked = ask(service, newAgent());
    const answer = await firstArrived;
    answer.write('first ');
    await clock.advance(0);
    const stopped = service.stop(deadlineIn(clock, 10_000));
    answer.end('second');
    expect(await asked).toMatchObject({ body: 'first second' });
    await stopped;
  });

  it('closes idle connections at once', async () => {
    const service = await serve(hello);
    await ask(service, newAgent());
    await service.stop(deadlineIn(clock, 10_000));
    expect(clock.pending()).toBe(0);
  });

  it('cuts what is still under way after the drain time', async () => {
    const { service, firstArrived } = await waiting({ drainMs: 2_000 });
    const asked = ask(service, newAgent()).catch((error: unknown) => error);
    await firstArrived;
    let isQuiet = false;
    const stopped = service.stop(deadlineIn(clock, 10_000)).then(() => {
      isQuiet = true;
    });
    await clock.advance(1_999);
    expect(isQuiet).toBe(false);
    await clock.advance(1);
    await stopped;
    expect(await asked).toMatchObject({ code: 'ECONNRESET' });
  });

  it('cuts at the deadline where that is sooner, and connections that never began a handshake too', async () => {
    const service = await serve(hello, { drainMs: 60_000 });
    const silent = connectTcp(service.address());
    sockets.push(silent);
    await once(silent, 'connect');
    const closed = once(silent.resume(), 'close');
    const stopped = service.stop(deadlineIn(clock, 500));
    await clock.advance(500);
    await Promise.all([stopped, closed]);
  });

  it('goes on accepting while it lingers, each answer closing its connection', async () => {
    const service = await serve(hello, { lingerMs: 1_000 });
    const agent = newAgent();
    await ask(service, agent);
    const stopped = service.stop(deadlineIn(clock, 10_000));
    expect(await ask(service, agent)).toMatchObject({ body: 'hello', connection: 'close', reusedSocket: true });
    expect(await ask(service, newAgent())).toMatchObject({ body: 'hello', connection: 'close' });
    await clock.advance(1_000);
    await stopped;
    await expect(ask(service, newAgent())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('waits for a start that is under way', async () => {
    const service = httpsService({
      name: 'test',
      host: '127.0.0.1',
      port: 0,
      tls: replaceable(pairOf(server)),
      drainMs: 0,
      clock,
      handler: hello,
    });
    const started = service.start(new AbortController().signal);
    await Promise.all([started, service.stop(deadlineIn(clock, 1_000))]);
    await expect(ask(service, newAgent())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
