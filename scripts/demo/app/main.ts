/*
 * The demo's application: a plain HTTP server that knows nothing of TLS, SPIFFE or Sallyport. It answers, echoes, and on request calls another
 * server by plain HTTP, once, as a load, or as one long stream, and says what came back.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const call = z.object({ url: z.url(), body: z.string().optional() });
const load = z.object({
  url: z.url(),
  perSecond: z.number().positive(),
  seconds: z.number().positive(),
  bytes: z.int().positive(),
});
const stream = z.object({
  url: z.url(),
  seconds: z.number().positive(),
  chunkBytes: z.int().positive(),
  everyMs: z.number().positive(),
});

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const name = process.env['APP_NAME'] ?? 'app';

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** One exchange on a connection of its own. */
function exchange(url: string, body: Buffer | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { agent: false, method: body === undefined ? 'GET' : 'POST', timeout: 10_000 },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }));
        answer.on('error', reject);
      },
    );
    asked.on('timeout', () => asked.destroy(new Error('no answer within 10 s')));
    asked.on('error', reject);
    asked.end(body);
  });
}

const mostUnderWay = 24;

/** Requests at a steady rate, each on its own connection; an answer counts only if every byte came back. */
async function runLoad({ url, perSecond, seconds, bytes }: z.infer<typeof load>): Promise<object> {
  const failures: Record<string, number> = {};
  const fail = (reason: string): void => {
    failures[reason] = (failures[reason] ?? 0) + 1;
  };
  const pending: Promise<void>[] = [];
  let underWay = 0;
  const started = performance.now();
  for (let sent = 0; performance.now() - started < seconds * 1000; sent += 1) {
    // A machine that stood still for a moment must not be answered with a burst: that would try the limits, not the rotation.
    while (underWay >= mostUnderWay) {
      await pause(5);
    }
    underWay += 1;
    const body = randomBytes(bytes);
    pending.push(
      exchange(url, body)
        .then(
          (answer) => {
            if (answer.status !== 200) {
              fail(`status ${answer.status}`);
            } else if (answer.body.length !== bytes || sha256(answer.body) !== sha256(body)) {
              fail('content differs');
            }
          },
          (error: unknown) => fail(error instanceof Error ? error.message : String(error)),
        )
        .finally(() => {
          underWay -= 1;
        }),
    );
    await pause(Math.max(0, started + ((sent + 1) * 1000) / perSecond - performance.now()));
  }
  await Promise.all(pending);
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
  return {
    requests: pending.length,
    failed,
    failures,
    seconds: (performance.now() - started) / 1000,
    bytes: pending.length * bytes,
  };
}

/** One long echoed request; the sender ends first, and the last bytes must still come back. */
function runStream({ url, seconds, chunkBytes, everyMs }: z.infer<typeof stream>): Promise<object> {
  return new Promise((resolve) => {
    const sent = createHash('sha256');
    const received = createHash('sha256');
    let [sentBytes, receivedBytes] = [0, 0];
    const done = (error?: string): void =>
      resolve({ ok: error === undefined && sentBytes === receivedBytes, sentBytes, receivedBytes, error });
    const asked = request(url, { agent: false, method: 'POST' }, (answer) => {
      answer.on('data', (chunk: Buffer) => {
        received.update(chunk);
        receivedBytes += chunk.length;
      });
      answer.on('end', () => done(sent.digest('hex') === received.digest('hex') ? undefined : 'content differs'));
      answer.on('error', (error) => done(error.message));
    });
    asked.on('error', (error) => done(error.message));
    void (async () => {
      for (const end = performance.now() + seconds * 1000; performance.now() < end; await pause(everyMs)) {
        const chunk = randomBytes(chunkBytes);
        sent.update(chunk);
        sentBytes += chunk.length;
        asked.write(chunk);
      }
      asked.end();
    })();
  });
}

async function once({ url, body }: z.infer<typeof call>): Promise<object> {
  try {
    const answer = await exchange(url, body === undefined ? undefined : Buffer.from(body));
    return { status: answer.status, body: answer.body.toString('utf8') };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

const actions: Readonly<Record<string, (body: unknown) => Promise<object>>> = {
  '/call': (body) => once(call.parse(body)),
  '/load': (body) => runLoad(load.parse(body)),
  '/stream': (body) => runStream(stream.parse(body)),
};

const server = createServer((asked: IncomingMessage, answer) => {
  const action = actions[asked.url ?? ''];
  if (asked.url === '/echo') {
    asked.pipe(answer);
  } else if (action !== undefined) {
    text(asked)
      .then((body) => action(JSON.parse(body)))
      .then(
        (result) => answer.end(JSON.stringify(result)),
        (error: unknown) => answer.writeHead(400).end(String(error)),
      );
  } else {
    answer.end(`hello from ${name}\n`);
  }
});
server.listen(Number(process.env['PORT'] ?? '8080'), process.env['BIND'] ?? '0.0.0.0');
process.once('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
