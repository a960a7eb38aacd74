import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Clock } from './clock.ts';
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
}

/** Plain HTTP, for metrics, health and probes: nothing secret. */
export function httpService(options: HttpServiceOptions): ServerService {
  return serverService(options.name, createServer(options.handler), options);
}

/** Listens on start; on stop takes no more connections, answers what is under way with `Connection: close` and cuts what is left at the deadline. */
export function serverService(
  name: string,
  server: HttpServer | HttpsServer,
  options: ListenAddress & { readonly clock: Clock; readonly drainMs: number },
): ServerService {
  const { host, port, clock, drainMs } = options;
  const ended = Promise.withResolvers<Ended>();
  const sockets = new Set<Socket>();
  let isDraining = false;
  let isListening = false;
  let bound: ListenAddress = { host, port };

  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', (_request: IncomingMessage, answer: ServerResponse) => {
    if (isDraining) {
      answer.shouldKeepAlive = false;
    }
  });

  async function stop(deadline: Deadline): Promise<void> {
    isDraining = true;
    if (isListening) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cancel = clock.after(Math.min(drainMs, deadline.remainingMs()), () => {
        server.closeAllConnections();
        for (const socket of sockets) {
          socket.destroy();
        }
      });
      await closed;
      cancel();
      isListening = false;
    }
    ended.resolve({ by: 'stop' });
  }

  return {
    name,
    ended: ended.promise,
    address: () => bound,
    start: () =>
      new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          server.on('error', (error: Error) => ended.resolve({ by: 'itself', cause: error }));
          const address = server.address();
          bound =
            typeof address === 'object' && address !== null ? { host: address.address, port: address.port } : bound;
          isListening = true;
          resolve();
        });
      }),
    stop,
  };
}
