import { createServer, type Server, type Socket } from 'node:net';
import { type Clock, sleep } from '../runtime/clock.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { Ended, Service } from '../runtime/service.ts';

/** One address to listen on, and what carries each connection to its end. The socket is paused, may be half-closed, and its errors are heard. */
export interface Listening {
  readonly host: string;
  readonly port: number;
  readonly serve: (socket: Socket) => Promise<void>;
}

export interface AcceptingOptions {
  readonly name: string;
  readonly listens: readonly Listening[];
  /** Resets what is still carried when the time to drain is over. */
  readonly cut: () => void;
  /** Told how long a drain took. */
  readonly onDrained: (ms: number) => void;
  readonly drainTimeoutMs: number;
  readonly clock: Clock;
}

/** Listeners as one Service. `addresses` in the order of `listens`, known once started; undefined for an address this machine does not have. */
export interface AcceptingService extends Service {
  addresses(): readonly ({ readonly host: string; readonly port: number } | undefined)[];
  isDraining(): boolean;
}

/**
 * Starts all listeners or none. A wildcard without IPv6 falls back to IPv4, and an address that the machine does not have is left out as long as another one is
 * left for the same port. On stop the listeners close first, then what is carried drains.
 */
export function acceptingService(options: AcceptingOptions): AcceptingService {
  const { listens, cut, drainTimeoutMs, clock } = options;
  const served = new Map<Socket, Promise<void>>();
  const accept = (socket: Socket, serve: Listening['serve']): void => {
    socket.on('error', () => undefined);
    served.set(
      socket,
      serve(socket).finally(() => served.delete(socket)),
    );
  };
  const ended = Promise.withResolvers<Ended>();
  let servers: readonly (Server | undefined)[] = [];
  let isDraining = false;
  return {
    name: options.name,
    ended: ended.promise,
    isDraining: () => isDraining,
    addresses: () => servers.map(addressOf),
    async start() {
      const started: (Server | undefined)[] = [];
      servers = started;
      for (const listening of listens) {
        started.push(await listen(listening, accept, (cause) => ended.resolve({ by: 'itself', cause })));
      }
      requireOneEach(listens, started);
    },
    async stop(deadline: Deadline) {
      isDraining = true;
      const startedMs = clock.monotonicMs();
      for (const server of servers) {
        server?.close();
      }
      if (!(await within(Promise.all(served.values()), Math.min(drainTimeoutMs, deadline.remainingMs()), clock))) {
        cut();
        // Whatever is not carried yet, such as a handshake under way.
        for (const socket of served.keys()) {
          socket.resetAndDestroy();
        }
        await Promise.all(served.values());
      }
      options.onDrained(clock.monotonicMs() - startedMs);
      ended.resolve({ by: 'stop' });
    },
  };
}

async function within(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const over = new AbortController();
  const first = await Promise.race([work.then(() => 'done'), sleep(clock, ms, over.signal)]);
  over.abort();
  return first === 'done';
}

async function listen(
  listening: Listening,
  accept: (socket: Socket, serve: Listening['serve']) => void,
  onFailure: (cause: unknown) => void,
): Promise<Server | undefined> {
  const hosts = listening.host === '::' ? ['::', '0.0.0.0'] : [listening.host];
  for (const host of hosts) {
    const server = createServer(
      { allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 },
      (socket) => accept(socket, listening.serve),
    );
    if (await bind(server, host, listening.port)) {
      server.on('error', onFailure);
      return server;
    }
  }
  return undefined;
}

/** False when the machine does not have the address; rejects for every other reason, such as a port that is taken. */
function bind(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT';
      if (isMissing) {
        resolve(false);
      } else {
        reject(error);
      }
    });
    server.listen({ host, port, backlog: 1_024 }, () => {
      server.removeAllListeners('error');
      resolve(true);
    });
  });
}

function requireOneEach(listens: readonly Listening[], servers: readonly (Server | undefined)[]): void {
  for (const { port, host } of listens) {
    if (!listens.some((other, index) => other.port === port && servers[index] !== undefined)) {
      throw new Error(`cannot listen on ${host} port ${port}: this machine has no such address`);
    }
  }
}

function addressOf(server: Server | undefined): { host: string; port: number } | undefined {
  const address = server?.address();
  return typeof address === 'object' && address !== null ? { host: address.address, port: address.port } : undefined;
}
