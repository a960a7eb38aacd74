import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { indexAccess } from '../access/access-index.ts';
import type { HeldPolicy } from '../access/policy-store.ts';
import { adminApp } from './app.ts';
import { type Condition, describeUnready, readinessChecks } from './health.ts';

const policy = (mode: 'enforce' | 'audit', networkPolicySeen: boolean): HeldPolicy => ({
  generation: 1,
  access: indexAccess({ mode, rules: [] }),
  networkPolicySeen,
});
const good: Condition = {
  identity: 'held',
  identityReason: undefined,
  policy: policy('enforce', true),
  hasInbound: true,
  areServicesReady: true,
};

describe('readiness', () => {
  it.each<{ name: string; change: Partial<Condition>; unready: string }>([
    { name: 'all is well', change: {}, unready: '' },
    { name: 'degraded still serves', change: { identity: 'degraded', identityReason: 'unreachable' }, unready: '' },
    { name: 'starting', change: { identity: 'starting' }, unready: 'identity (starting)' },
    {
      name: 'expired',
      change: { identity: 'expired', identityReason: 'unreachable' },
      unready: 'identity (expired: unreachable)',
    },
    {
      name: 'denied',
      change: { identity: 'denied', identityReason: 'pod-unknown' },
      unready: 'identity (denied: pod-unknown)',
    },
    { name: 'no policy yet', change: { policy: undefined }, unready: 'access-policy (none received)' },
    {
      name: 'plaintext ports still open in enforce',
      change: { policy: policy('enforce', false) },
      unready: 'network-policy (not seen)',
    },
    { name: 'no NetworkPolicy needed in audit', change: { policy: policy('audit', false) }, unready: '' },
    {
      name: 'no NetworkPolicy needed without ports',
      change: { policy: policy('enforce', false), hasInbound: false },
      unready: '',
    },
    { name: 'listeners not up', change: { areServicesReady: false }, unready: 'services (not ready)' },
  ])('$name', ({ change, unready }) => {
    expect(describeUnready(readinessChecks({ ...good, ...change }))).toBe(unready);
  });
});

describe('admin server', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function start(
    condition: () => Condition,
  ): Promise<(path: string) => Promise<{ status: number; text: string }>> {
    const app = adminApp({
      registry: { print: () => Promise.resolve('sallyport_up 1\n'), contentType: 'text/plain' },
      checks: () => readinessChecks(condition()),
      beforeScrape: () => Promise.resolve(),
    });
    const listening = createServer(app);
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    const address = listening.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return async (path) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return { status: response.status, text: await response.text() };
    };
  }

  it('keeps /started good once it was, while /ready follows the truth', async () => {
    let identity: Condition['identity'] = 'starting';
    const get = await start(() => ({ ...good, identity }));
    expect((await get('/started')).status).toBe(503);
    identity = 'held';
    expect((await get('/started')).status).toBe(200);
    identity = 'expired';
    expect((await get('/started')).status).toBe(200);
    expect((await get('/ready')).status).toBe(503);
  });

  it('lists every check when asked, and serves metrics and nothing else', async () => {
    const get = await start(() => ({ ...good, policy: undefined }));
    expect((await get('/ready?verbose')).text).toBe(
      '[+] identity: held\n[-] access-policy: none received\n[+] network-policy: not needed\n[+] services: ready\nnot ready\n',
    );
    expect((await get('/metrics')).text).toBe('sallyport_up 1\n');
    expect((await get('/')).status).toBe(404);
  });
});
