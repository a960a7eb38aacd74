import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StreamMessage } from '../../authority/client/messages.ts';
import {
  authorityPodUid,
  type HeldSvid,
  obtainSvid,
  startTown,
  type Town,
  townClient,
} from '../builders/authority-town.ts';

/*
 * Total loss: the only replica is killed without a word and comes back in the same pod with no keys. It must found new keys beside the anchors that stand in
 * `TrustBundle`, and issue nothing by them until the sidecars know them.
 */

let town: Town;
let directory: string;
let running: ChildProcess | undefined;
let port: number;

beforeEach(async () => {
  town = await startTown();
  await town.addPod('web-1');
  await town.addPod('web-2');
  directory = await mkdtemp(join(tmpdir(), 'sallyport-authority-'));
  await writeFile(join(directory, 'token'), await town.authorityToken());
  await writeFile(join(directory, 'ca.crt'), town.cluster.caPem);
  port = await freePort();
});

afterEach(async () => {
  await kill('SIGKILL');
  await town.stop();
  await rm(directory, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Starts the program itself and resolves when it listens. Gives every line it printed so far, and goes on collecting. */
async function start(): Promise<string[]> {
  const api = new URL(town.cluster.url);
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../authority/main.ts')], {
    env: {
      SALLYPORT_TRUST_DOMAIN: 'prod.example',
      SALLYPORT_X509_TTL: '60s',
      SALLYPORT_POD_NAME: 'sallyport-authority-1',
      SALLYPORT_POD_UID: authorityPodUid,
      SALLYPORT_LISTEN_ADDRESS: '127.0.0.1',
      SALLYPORT_PORT: String(port),
      SALLYPORT_METRICS_PORT: '0',
      SALLYPORT_SERVICE_ACCOUNT_DIR: directory,
      SALLYPORT_AUDIT_DIR: join(directory, 'audit'),
      SALLYPORT_LOG_LEVEL: 'debug',
      KUBERNETES_SERVICE_HOST: api.hostname,
      KUBERNETES_SERVICE_PORT: api.port,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  const printed: string[] = [];
  const lines = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) =>
      reject(new Error(`the authority ended with ${String(code)}: ${printed.slice(-5).join('\n')}`)),
    );
    lines.on('line', (line) => {
      printed.push(line);
      if (line.includes('"service":"streams"')) {
        resolve();
      }
    });
  });
  return printed;
}

async function kill(signal: NodeJS.Signals): Promise<void> {
  if (running !== undefined && running.exitCode === null && running.signalCode === null) {
    const ended = once(running, 'exit');
    running.kill(signal);
    await ended;
  }
  running = undefined;
}

/** As a sidecar does: opens its stream by its old SVID and the anchors of `ca.pem`, loads the bundle, says so. */
async function loadAndAcknowledge(held: HeldSvid): Promise<string> {
  const client = townClient(`127.0.0.1:${port}`, await town.caPem(), held.identity);
  const bundles = Promise.withResolvers<Extract<StreamMessage, { type: 'bundles' }>>();
  const stream = await client.openStream((message) => {
    if (message.type === 'bundles') {
      bundles.resolve(message);
    }
  });
  const { sequence } = await bundles.promise;
  const clock = new Date().toISOString();
  await client.acknowledge(stream.address, {
    stream: stream.stream,
    sequence,
    policyGeneration: 0,
    serial: '01',
    clock,
  });
  client.close();
  return sequence;
}

async function obtain(pod: string, identity?: HeldSvid['identity']): Promise<HeldSvid> {
  const client = townClient(`127.0.0.1:${port}`, await town.caPem(), identity);
  try {
    return await obtainSvid(client, await town.podToken(pod));
  } finally {
    client.close();
  }
}

describe('after the loss of every replica', () => {
  it('is trusted again by ca.pem at once, believes the SVIDs that live on, and issues when the mesh knows its new key', async () => {
    await start();
    const [one, two] = [await obtain('web-1'), await obtain('web-2')];
    const before = await town.caPem();
    await kill('SIGKILL');

    const printed = await start();
    const after = await town.caPem();
    expect(after).toContain(before.trim().slice(0, 200));
    expect(after.length).toBeGreaterThan(before.length);
    expect(printed.some((line) => line.includes('"inherited":2'))).toBe(true);

    // No leaf but its own before the mesh knows the key: and it says for how long.
    const early = obtain('web-1', one.identity);
    await expect(early).rejects.toMatchObject({ reason: 'hold-down', status: 503, isFinal: false });
    await expect(early).rejects.toSatisfy(({ retryAfterSeconds }) => retryAfterSeconds > 0 && retryAfterSeconds <= 15);

    const sequence = await loadAndAcknowledge(one);
    expect(BigInt(sequence)).toBeGreaterThan(BigInt(one.answer.sequence));
    await expect(obtain('web-1', one.identity)).rejects.toMatchObject({ reason: 'hold-down' });

    await loadAndAcknowledge(two);
    await expect
      .poll(() => obtain('web-1', one.identity).then(() => 'issued', String), { timeout: 3_000 })
      .toBe('issued');
    const renewals = printed.filter((line) => line.includes('"event":"identity.renewed"'));
    expect(renewals).toHaveLength(1);
    expect(printed.filter((line) => line.includes('"event":"bundle.changed"'))).toHaveLength(1);
  });

  it('ends 0 on SIGTERM, its streams closed', async () => {
    await start();
    const held = await obtain('web-1');
    const client = townClient(`127.0.0.1:${port}`, await town.caPem(), held.identity);
    const stream = await client.openStream(() => undefined);
    const child = running;
    await kill('SIGTERM');
    expect(child?.exitCode).toBe(0);
    expect(await stream.ended).toBe('closed-by-authority');
    client.close();
  });
});
