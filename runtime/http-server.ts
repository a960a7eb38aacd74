import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { type Clock, sleep } from './clock.ts';
import type { Deadline } from './deadline.ts';
import type { Ended, Service } from './service.ts';

/** Where a server listens: `port` 0 lets the system choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A listening server as a Service; `address` is known once it has started. */
export interface ServerService extends Service {
  address(): ListenAddress;
}

export interface HttpServiceOptions extends ListenAddress {
  readonly name: string;
  readonly handler: RequestListener;
  readonly clock: Clock;
  /** Milliseconds that requests under way get when stopping; bounded by the stop's own deadline. */
  readonly drainMs: number;
  /** Milliseconds that a stopping server goes on accepting, for clients that have not heard yet; 0 when left out. */
  readonly lingerMs?: number;
}

/** Plain HTTP, for metrics, health and probes: nothing secret. */
export function httpService(options: HttpServiceOptions): ServerService {
  return serverService(options.name, createServer(options.handler), options);
}

/**
 * Listens on start. On stop every answer says `Connection: close`; after `lingerMs` no connection is taken any more, idle ones are closed, those with a
 * request under way when it is answered, and what is left after `drainMs`, or at the stop's own deadline, is cut.
 */
export function serverService(
  name: string,
  server: HttpServer | HttpsServer,
  options: Omit<HttpServiceOptions, 'name' | 'handler'>,
): ServerService {
  const { host, port, clock, drainMs, lingerMs = 0 } = options;
  const ended = Promise.withResolvers<Ended>();
  const connections = trackConnections(server);
  let bound: ListenAddress = { host, port };
  let listening: Promise<void> | undefined;

  async function stop(deadline: Deadline): Promise<void> {
    connections.drain();
    if (server.listening || (await hasStarted())) {
      if (lingerMs > 0) {
        await sleep(clock, Math.min(lingerMs, deadline.remainingMs()));
      }
      const cancel = clock.after(Math.min(drainMs, deadline.remainingMs()), connections.cut);
      await new Promise<void>((resolve) => server.close(() => resolve()));
      cancel();
    }
    ended.resolve({ by: 'stop' });
  }

  /** A stop may come while the start is under way. */
  const hasStarted = async (): Promise<boolean> => {
    await listening?.catch(() => undefined);
    return server.listening;
  };

  async function start(): Promise<void> {
    listening = listen(server, { host, port });
    await listening;
    server.on('error', (error: Error) => ended.resolve({ by: 'itself', cause: error }));
    const address = server.address();
    bound = typeof address === 'object' && address !== null ? { host: address.address, port: address.port } : bound;
  }

  return { name, ended: ended.promise, address: () => bound, start, stop };
}

function listen(server: HttpServer | HttpsServer, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

interface Connections {
  /** From now on answers close their connections. */
  drain(): void;
  /** Ends every connection, also those without a request or still in their handshake. */
  cut(): void;
}

function trackConnections(server: HttpServer | HttpsServer): Connections {
  const sockets = new Set<Socket>();
  const underWay = new Set<ServerResponse>();
  let isDraining = false;

  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // Before the handler, which may answer at once.
  server.prependListener('request', (_request: IncomingMessage, answer: ServerResponse) => {
    underWay.add(answer);
    answer.shouldKeepAlive &&= !isDraining;
    answer.once('close', () => {
      underWay.delete(answer);
      if (isDraining && !server.listening) {
        server.closeIdleConnections();
      }
    });
  });
  return {
    drain() {
      isDraining = true;
      for (const answer of underWay) {
        answer.shouldKeepAlive = false;
      }
    },
    cut() {
      server.closeAllConnections();
      for (const socket of sockets) {
        socket.destroy();
      }
    },
  };
}
