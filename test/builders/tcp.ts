import { connect, createServer, type Socket } from 'node:net';

/** What a test has opened; `close` ends it all, the last first. */
export interface Opened {
  add(close: () => unknown): void;
  close(): Promise<void>;
}

export function opened(): Opened {
  const closers: (() => unknown)[] = [];
  return {
    add: (close) => void closers.push(close),
    async close() {
      for (const close of closers.splice(0).toReversed()) {
        await close();
      }
    },
  };
}

/** An application at 127.0.0.1, on a port of its own unless told which; gives the port. */
export async function startApp(things: Opened, onConnection: (socket: Socket) => void, port = 0): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  things.add(() => {
    for (const socket of sockets) {
      socket.destroy();
    }
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A connection that may be half-closed. */
export function dialPort(things: Opened, port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  things.add(() => socket.destroy());
  return socket;
}

/** Everything until the other side ends; rejects on a reset. */
export function readAll(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('end', () => resolve(Buffer.concat(chunks)));
    socket.once('error', reject);
  });
}

/** How a connection ended: the bytes before a clean end, or the code of its error. */
export async function endOf(socket: Socket): Promise<string> {
  try {
    return (await readAll(socket)).toString();
  } catch (error) {
    return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  }
}
