import { createHash, type Hash, randomBytes } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, connect as dial, type Socket } from 'node:net';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { answerQuestions } from './helper-process.ts';
import { type LoadOrder, type LoadResult, loadOrder } from './inbound-messages.ts';

/*
 * Load and backend of subject `inbound`. A rate without content is worth nothing, so every connection is verified: the backend hashes and counts all it got
 * and, only after the caller's half-close, sends digest and count back; what the backend sends is compared byte by byte or by its own digest.
 *
 * First byte of a connection: E echoes, U swallows, D sends `bulkBytes` after the half-close. Then always 40 bytes: SHA-256 of what came, and how many.
 */

const trailerBytes = 40;
const bulkBytes = 8 * 1024 * 1024;
const chunk = randomBytes(64 * 1024);

let backendPort: number | undefined;

answerQuestions(async (question) => {
  const order = loadOrder.parse(question);
  backendPort ??= await startBackend();
  return order.port === 0
    ? { units: 0, elapsedMs: 0, cpuSeconds: null, faults: [], backendPort }
    : runRound(order, backendPort);
});

function startBackend(): Promise<number> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, serve);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

function serve(socket: Socket): void {
  const digest = createHash('sha256');
  let count = 0;
  let kind: string | undefined;
  socket.on('error', () => undefined);
  socket.on('data', (bytes: Buffer) => {
    kind ??= String.fromCharCode(bytes[0] ?? 0);
    digest.update(bytes);
    count += bytes.length;
    if (kind === 'E') {
      socket.write(bytes);
    }
  });
  socket.on('end', () => {
    void (async () => {
      if (kind === 'D') {
        await sendBulk(socket);
      }
      socket.end(trailerOf(digest, count));
    })();
  });
}

function trailerOf(digest: Hash, count: number): Buffer {
  const trailer = Buffer.alloc(trailerBytes);
  digest.digest().copy(trailer);
  trailer.writeBigUInt64BE(BigInt(count), 32);
  return trailer;
}

async function sendBulk(socket: Socket | TLSSocket): Promise<void> {
  for (let sent = 0; sent < bulkBytes; sent += chunk.length) {
    if (!socket.write(chunk)) {
      await new Promise((resolve) => socket.once('drain', resolve));
    }
  }
}

async function runRound(order: LoadOrder, port: number): Promise<LoadResult> {
  const context = createSecureContext({
    cert: order.certPem,
    key: order.keyPem,
    ca: order.caPem,
    minVersion: 'TLSv1.3',
  });
  const faults: string[] = [];
  const each = async <T>(work: (index: number) => Promise<T>): Promise<readonly (T | undefined)[]> =>
    Promise.all(
      Array.from({ length: order.connections }, (_, index) =>
        work(index).catch((error: unknown) => {
          faults.push(error instanceof Error ? error.message : 'unknown');
          return undefined;
        }),
      ),
    );
  // Long connections are made before the clock starts, short ones are what is measured.
  const callers = order.kind === 'small' ? await each(() => open(order.port, context, 'E')) : [];
  const startedMs = performance.now();
  const startedCpu = cpuSeconds(order.proxyPid);
  const isOver = (): boolean => performance.now() - startedMs >= order.milliseconds;
  const loops = { up: upLoop, down: downLoop, handshakes: handshakeLoop };
  const { kind } = order;
  const counts = await each((index) =>
    kind === 'small' ? smallLoop(callers[index], isOver) : loops[kind](order.port, context, isOver),
  );
  const elapsedMs = performance.now() - startedMs;
  const endedCpu = cpuSeconds(order.proxyPid);
  await each(async (index) => callers[index]?.finish());
  return {
    units: counts.reduce<number>((sum, count) => sum + (count ?? 0), 0),
    elapsedMs,
    cpuSeconds: startedCpu === undefined || endedCpu === undefined ? null : endedCpu - startedCpu,
    faults: faults.slice(0, 3),
    backendPort: port,
  };
}

/** User and system time of a process, where the system has /proc; in ticks of 10 ms. */
function cpuSeconds(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}

/** One connection; every answer is awaited and compared with what was sent. */
async function smallLoop(caller: Caller | undefined, isOver: () => boolean): Promise<number> {
  let count = 0;
  while (caller !== undefined && !isOver()) {
    const message = randomBytes(64);
    await caller.write(message);
    if (Buffer.compare(await caller.read(64), message) !== 0) {
      throw new Error('an answer differs from its question');
    }
    count += 1;
  }
  return count;
}

async function upLoop(port: number, context: SecureContext, isOver: () => boolean): Promise<number> {
  let megabytes = 0;
  while (!isOver()) {
    const caller = await open(port, context, 'U');
    for (let sent = 0; sent < bulkBytes; sent += chunk.length) {
      await caller.write(chunk);
    }
    await caller.finish();
    megabytes += bulkBytes / 1024 / 1024;
  }
  return megabytes;
}

const expectedBulk = createHash('sha256');
for (let sent = 0; sent < bulkBytes; sent += chunk.length) {
  expectedBulk.update(chunk);
}
const bulkDigest = expectedBulk.digest('hex');

async function downLoop(port: number, context: SecureContext, isOver: () => boolean): Promise<number> {
  let megabytes = 0;
  while (!isOver()) {
    const caller = await open(port, context, 'D');
    const got = await caller.finish(bulkBytes);
    if (got !== bulkDigest) {
      throw new Error('what came down has another digest');
    }
    megabytes += bulkBytes / 1024 / 1024;
  }
  return megabytes;
}

async function handshakeLoop(port: number, context: SecureContext, isOver: () => boolean): Promise<number> {
  let count = 0;
  while (!isOver()) {
    const caller = await open(port, context, 'U');
    await caller.write(randomBytes(32));
    await caller.finish();
    count += 1;
  }
  return count;
}

interface Caller {
  /** Resolves when there is room again. */
  write(bytes: Buffer): Promise<void>;
  /** Exactly so many bytes. */
  read(size: number): Promise<Buffer>;
  /** Half-closes; then `body` bytes, whose digest is given, then the trailer about all that was sent, then the end. Rejects if any of it is wrong. */
  finish(body?: number): Promise<string>;
}

async function open(port: number, secureContext: SecureContext, kind: string): Promise<Caller> {
  // The raw socket is half-open; a TLS socket over it follows.
  const raw = dial({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
  const socket = connect({
    socket: raw,
    secureContext,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  const sent = createHash('sha256');
  let sentBytes = 0;
  const stream = pull(socket);
  const write = async (bytes: Buffer): Promise<void> => {
    sent.update(bytes);
    sentBytes += bytes.length;
    if (!socket.write(bytes)) {
      await stream.when('drain');
    }
  };
  await stream.when('secureConnect');
  await write(Buffer.from(kind));
  if (kind === 'E' && (await stream.read(1))[0] !== kind.charCodeAt(0)) {
    throw new Error('the first byte differs');
  }
  return {
    write,
    read: stream.read,
    async finish(body = 0) {
      socket.end();
      const digest = createHash('sha256');
      for (let left = body; left > 0; ) {
        const bytes = await stream.readSome(left);
        digest.update(bytes);
        left -= bytes.length;
      }
      const trailer = await stream.read(trailerBytes);
      if (Buffer.compare(trailer, trailerOf(sent, sentBytes)) !== 0) {
        throw new Error('the backend got something else than was sent');
      }
      await stream.atEnd();
      return digest.digest('hex');
    },
  };
}

/** Pulls bytes off a socket in order. One wait at a time; it rejects when the socket fails. */
function pull(socket: TLSSocket): {
  when(event: 'secureConnect' | 'drain'): Promise<void>;
  read(size: number): Promise<Buffer>;
  readSome(most: number): Promise<Buffer>;
  atEnd(): Promise<void>;
} {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let isEnded = false;
  let failure: Error | undefined;
  let waiting: { isMet: () => boolean; resolve: () => void; reject: (error: Error) => void } | undefined;
  const look = (): void => {
    if (waiting !== undefined && (waiting.isMet() || failure !== undefined || isEnded)) {
      const { isMet, resolve, reject } = waiting;
      waiting = undefined;
      if (isMet()) {
        resolve();
      } else {
        reject(failure ?? new Error(`ended, ${heldBytes} bytes held`));
      }
    }
  };
  const until = (isMet: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting = { isMet, resolve, reject };
      look();
    });
  socket.on('data', (bytes: Buffer) => {
    held.push(bytes);
    heldBytes += bytes.length;
    look();
  });
  socket.on('end', () => {
    isEnded = true;
    look();
  });
  socket.on('error', (error: Error) => {
    failure ??= error;
    look();
  });
  socket.on('close', () => {
    failure ??= new Error('closed early');
    look();
  });
  const take = (size: number): Buffer => {
    const all = held.length === 1 ? (held[0] ?? Buffer.alloc(0)) : Buffer.concat(held);
    held = size < all.length ? [all.subarray(size)] : [];
    heldBytes = all.length - size;
    return all.subarray(0, size);
  };
  return {
    when(event) {
      let isMet = false;
      emitterOf(socket).once(event, () => {
        isMet = true;
        look();
      });
      return until(() => isMet);
    },
    async read(size) {
      await until(() => heldBytes >= size);
      return take(size);
    },
    async readSome(most) {
      await until(() => heldBytes > 0);
      return take(Math.min(most, heldBytes));
    },
    async atEnd() {
      await until(() => isEnded);
      if (heldBytes > 0) {
        throw new Error(`${heldBytes} bytes too many`);
      }
    },
  };
}

/** Both events carry nothing, which the overloads of a TLS socket cannot say at once. */
const emitterOf = (socket: TLSSocket): EventEmitter => socket;
