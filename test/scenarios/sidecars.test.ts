import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { memorySegments } from '../../audit/segments/memory-segments.ts';
import { type Authority, createAuthority } from '../../authority/authority.ts';
import { readAuthoritySettings } from '../../authority/settings.ts';
import { systemClock } from '../../runtime/clock.ts';
import { clusterApi } from '../../runtime/cluster/kubernetes-client.ts';
import { createLogger } from '../../runtime/logger.ts';
import { systemRandom } from '../../runtime/random.ts';
import { authorityPodUid, startTown, type Town } from '../builders/authority-town.ts';
import { metricIn } from '../builders/data-plane.ts';
import { dialPort, endOf, opened, readAll, startApp } from '../builders/tcp.ts';

/*
 * Two sidecars as programs of their own, attested by a real authority, between two applications that know nothing of TLS.
 */

const things = opened();
const authorityLines: string[] = [];
let town: Town;
let authority: Authority;
let ports: Record<'app' | 'tls' | 'door' | 'adminOne' | 'adminTwo', number>;
let callee: Program;
let caller: Program;

const record = z.looseObject({ event: z.string(), reasonCode: z.string().optional(), connections: z.int().optional() });
type AuditRecord = z.infer<typeof record>;

interface Program {
  readonly child: ChildProcess;
  readonly directory: string;
  readonly lines: string[];
  events(name: string): AuditRecord[];
  metrics(): Promise<string>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const podSchema = z.looseObject({ metadata: z.looseObject({ uid: z.string() }) });

async function startSidecar(pod: string, adminPort: number, more: Record<string, string>): Promise<Program> {
  const directory = await mkdtemp(join(tmpdir(), `sallyport-${pod}-`));
  things.add(() => rm(directory, { recursive: true, force: true }));
  await writeFile(join(directory, 'token'), (await town.podToken(pod)).expose());
  await writeFile(join(directory, 'ca.pem'), await town.caPem());
  const { metadata } = podSchema.parse(await town.cluster.admin.get(`/api/v1/namespaces/prod/pods/${pod}`));
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../sidecar/main.ts')], {
    env: {
      SALLYPORT_TRUST_DOMAIN: 'prod.example',
      SALLYPORT_AUTHORITY_ADDRESS: `127.0.0.1:${authority.address().port}`,
      SALLYPORT_AUTHORITY_ID: 'spiffe://prod.example/ns/sallyport-system/sa/sallyport-authority',
      SALLYPORT_TOKEN_FILE: join(directory, 'token'),
      SALLYPORT_TRUST_BUNDLE_FILE: join(directory, 'ca.pem'),
      SALLYPORT_TERMINATION_LOG_FILE: join(directory, 'termination-log'),
      SALLYPORT_POD_NAME: pod,
      SALLYPORT_POD_NAMESPACE: 'prod',
      SALLYPORT_POD_UID: metadata.uid,
      SALLYPORT_NODE_NAME: 'node-1',
      SALLYPORT_LISTEN_ADDRESS: '127.0.0.1',
      SALLYPORT_LOOPBACK_ADDRESS: '127.0.0.1',
      SALLYPORT_ADMIN_PORT: String(adminPort),
      ...more,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  things.add(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  return {
    child,
    directory,
    lines,
    events: (name) =>
      lines
        .filter((line) => line.includes('"kind":"audit"'))
        .map((line) => record.parse(JSON.parse(line)))
        .filter(({ event }) => event === name),
    metrics: async () => (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text(),
  };
}

const answers = async (port: number, path: string): Promise<number> =>
  fetch(`http://127.0.0.1:${port}${path}`).then(
    ({ status }) => status,
    () => 0,
  );

const rotations = async (program: Program): Promise<number> =>
  metricIn(await program.metrics(), 'sallyport_svid_rotations_total', { outcome: 'success' });

beforeAll(async () => {
  town = await startTown();
  things.add(() => town.stop());
  const [app, tls, door, adminOne, adminTwo] = await Promise.all(Array.from({ length: 5 }, freePort));
  ports = { app: app ?? 0, tls: tls ?? 0, door: door ?? 0, adminOne: adminOne ?? 0, adminTwo: adminTwo ?? 0 };
  await town.addPod('web-1');
  await town.addPod('orders-1', {
    labels: { app: 'orders' },
    annotations: { 'sallyport.dev/inbound': `${ports.tls}=${ports.app}` },
  });
  await town.cluster.admin.patch(
    '/api/v1/namespaces/prod/pods/orders-1/status',
    { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
    'application/merge-patch+json',
  );
  await town.cluster.apply(`
apiVersion: sallyport.dev/v1alpha1
kind: AccessPolicy
metadata: { name: orders, namespace: prod }
spec: { pods: { app: orders }, from: [{ ports: [${ports.app}], peers: [{ namespace: prod }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: orders, namespace: prod }
spec: { selector: { app: orders }, ports: [{ port: 80, targetPort: ${ports.app} }] }
`);
  authority = createAuthority({
    settings: readAuthoritySettings({
      SALLYPORT_TRUST_DOMAIN: 'prod.example',
      SALLYPORT_X509_TTL: '10s',
      SALLYPORT_POD_NAME: 'sallyport-authority-1',
      SALLYPORT_POD_UID: authorityPodUid,
      SALLYPORT_LISTEN_ADDRESS: '127.0.0.1',
      SALLYPORT_PORT: '0',
      SALLYPORT_METRICS_PORT: '0',
      SALLYPORT_KUBERNETES_HOST: '127.0.0.1',
    }),
    api: clusterApi(await town.authorityKubeConfig(), { timeoutMs: 5_000 }),
    segments: memorySegments(),
    writeLine: (line) => authorityLines.push(line),
    version: '0.0.0',
    clock: systemClock,
    random: systemRandom,
    logger: createLogger({ program: 'authority', level: 'warn', write: (line) => process.stderr.write(line) }),
  });
  await authority.supervisor.start();
  things.add(() => authority.supervisor.stop());
  await startApp(things, (socket) => void socket.pipe(socket), ports.app);
  callee = await startSidecar('orders-1', ports.adminOne, { SALLYPORT_INBOUND: `${ports.tls}=${ports.app}` });
  caller = await startSidecar('web-1', ports.adminTwo, { SALLYPORT_OUTBOUND: `${ports.door}=orders.prod.svc:80` });
}, 30_000);

afterAll(() => things.close(), 30_000);

describe('two sidecars and an authority', () => {
  it('become ready when they hold an identity and a policy', async () => {
    await expect.poll(() => answers(ports.adminOne, '/ready'), { timeout: 10_000 }).toBe(200);
    await expect.poll(() => answers(ports.adminTwo, '/started?verbose'), { timeout: 10_000 }).toBe(200);
    const verbose = await (await fetch(`http://127.0.0.1:${ports.adminOne}/ready?verbose`)).text();
    expect(verbose).toContain('[+] identity: held');
    expect(verbose).toContain('[+] access-policy: enforce');
    await expect.poll(async () => metricIn(await callee.metrics(), 'sallyport_stream_open', {})).toBe(1);
  });

  it('carry an application’s bytes over mTLS, by the directory’s word', async () => {
    const message = randomBytes(64 * 1024);
    const socket = dialPort(things, ports.door);
    socket.end(message);
    const echoed = await readAll(socket);
    expect(createHash('sha256').update(echoed).digest('hex')).toBe(createHash('sha256').update(message).digest('hex'));
    await expect.poll(() => callee.events('access.granted').length).toBe(1);
    expect(callee.events('access.granted')[0]).toMatchObject({
      peer: 'spiffe://prod.example/ns/prod/sa/web',
      direction: 'inbound',
      bytes: { in: 65_536, out: 65_536 },
    });
  });

  it('lose nothing over three rotations under load, with the token rewritten meanwhile', async () => {
    const before = await rotations(callee);
    let failed = 0;
    let carried = 0;
    while ((await rotations(callee)) < before + 3) {
      const message = randomBytes(10_000);
      const socket = dialPort(things, ports.door);
      socket.end(message);
      const echoed = await readAll(socket).catch(() => Buffer.alloc(0));
      carried += 1;
      failed += Buffer.compare(echoed, message) === 0 ? 0 : 1;
      if (carried === 20) {
        await writeFile(join(callee.directory, 'token'), (await town.podToken('orders-1')).expose());
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(failed).toBe(0);
    expect(carried).toBeGreaterThan(100);
    expect(metricIn(await callee.metrics(), 'sallyport_refusals_total', {})).toBe(0);
    expect(metricIn(await caller.metrics(), 'sallyport_refusals_total', {})).toBe(0);
    expect(metricIn(await callee.metrics(), 'sallyport_svid_rotations_total', { outcome: 'failure' })).toBe(0);
  }, 40_000);

  it('refuse plaintext, and say so in metric, log and the authority’s log', async () => {
    const socket = connect({ host: '127.0.0.1', port: ports.tls });
    socket.write('GET / HTTP/1.1\r\n\r\n');
    expect(await endOf(socket)).toBe('ECONNRESET');
    await expect.poll(() => callee.events('access.denied').length).toBe(1);
    expect(callee.events('access.denied')[0]).toMatchObject({ reasonCode: 'plaintext' });
    await expect
      .poll(() => authorityLines.filter((line) => line.includes('"event":"access.denied"')).length, { timeout: 5_000 })
      .toBe(1);
  });

  it('refuse a destination that the directory does not know, quickly and as a reset', async () => {
    const port = await freePort();
    const adminPort = await freePort();
    const lost = await startSidecar('web-1', adminPort, { SALLYPORT_OUTBOUND: `${port}=nobody.prod.svc:80` });
    await expect.poll(() => answers(adminPort, '/ready'), { timeout: 10_000 }).toBe(200);
    expect(await endOf(dialPort(things, port))).toBe('ECONNRESET');
    await expect
      .poll(() => lost.events('access.denied').map(({ reasonCode }) => reasonCode))
      .toEqual(['destination-unknown']);
    lost.child.kill('SIGTERM');
    await once(lost.child, 'exit');
  });

  it('account for every connection when they stop, and end with 0', async () => {
    const text = await callee.metrics();
    const exits = [once(caller.child, 'exit'), once(callee.child, 'exit')];
    caller.child.kill('SIGTERM');
    callee.child.kill('SIGTERM');
    expect((await Promise.all(exits)).map(([code]: readonly unknown[]) => code)).toEqual([0, 0]);
    const summarised = callee.events('access.summary').reduce((sum, { connections }) => sum + (connections ?? 0), 0);
    expect(summarised).toBe(metricIn(text, 'sallyport_connections_total', {}));
    expect(summarised).toBeGreaterThan(100);
    await expect
      .poll(() => authorityLines.filter((line) => line.includes('"event":"access.summary"')).length)
      .toBeGreaterThan(0);
  });
});

describe('a sidecar that cannot start', () => {
  it('lists every mistake in its settings, and ends with 1 before anything listens', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sallyport-settings-'));
    things.add(() => rm(directory, { recursive: true, force: true }));
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../sidecar/main.ts')], {
      env: { SALLYPORT_INBOUND: '15443=8080', SALLYPORT_OUTBOND: 'x', SALLYPORT_TRUST_DOMAIN: 'UPPER' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let printed = '';
    child.stderr.on('data', (chunk) => {
      printed += String(chunk);
    });
    expect(await once(child, 'close')).toEqual([1, null]);
    for (const variable of ['SALLYPORT_INBOUND', 'SALLYPORT_OUTBOND', 'SALLYPORT_TRUST_DOMAIN', 'SALLYPORT_POD_UID']) {
      expect(printed).toContain(variable);
    }
  });

  it('leaves the reason in the termination log after its start timeout', async () => {
    const lost = await startSidecar('web-1', await freePort(), {
      SALLYPORT_START_TIMEOUT: '1s',
      SALLYPORT_TOKEN_FILE: '/nowhere/token',
    });
    expect(await once(lost.child, 'exit')).toEqual([1, null]);
    const reason = await readFile(join(lost.directory, 'termination-log'), 'utf8');
    expect(reason).toContain('token-unreadable');
  });
});
