import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../test/builders/manual-clock.ts';
import { healthApp } from './health-app.ts';
import { createLogger } from './logger.ts';
import { createRegistry } from './metrics.ts';
import type { Ended, Service } from './service.ts';
import { type Supervisor, supervise } from './supervisor.ts';

const logger = createLogger({ program: 'test', level: 'silent', write: () => undefined });
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) {
    close();
  }
});

function service(name: string, start: Promise<void> = Promise.resolve()): Service {
  const ended = Promise.withResolvers<Ended>();
  return {
    name,
    ended: ended.promise,
    start: () => start,
    stop() {
      ended.resolve({ by: 'stop' });
      return Promise.resolve();
    },
  };
}

/** Asks for a path: status and text. */
async function listening(supervisor: Supervisor): Promise<(path: string) => Promise<string>> {
  const registry = createRegistry({ program: 'test', version: '0' });
  const remarks = () => [{ id: 'keys', isGood: true, detail: 'hold-down' }];
  const server = createServer(healthApp({ registry, supervisor, remarks }));
  closing.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return `${response.status} ${await response.text()}`;
  };
}

describe('health', () => {
  it('names the service that readiness waits for, and says nothing of it unasked', async () => {
    const gate = Promise.withResolvers<void>();
    const services = [service('audit log'), service('registrations', gate.promise), service('reconciler')];
    const supervisor = supervise(services, { clock: manualClock(), logger, stopTimeoutMs: 100 });
    const get = await listening(supervisor);
    const started = supervisor.start();
    expect(await get('/ready')).toBe('503 not ready\n');
    expect(await get('/ready?verbose')).toBe(
      '503 [+] audit log: ready\n[-] registrations: starting\n[-] reconciler: waiting\n[+] keys: hold-down\nnot ready\n',
    );
    gate.resolve();
    await started;
    expect(await get('/ready')).toBe('200 ready\n');
    expect(await get('/started?verbose')).toContain('[+] registrations: ready\n');
    await supervisor.stop();
  });

  it('stays started and alive when it is not ready any more, and says what is stopping', async () => {
    const supervisor = supervise([service('a'), service('b')], { clock: manualClock(), logger, stopTimeoutMs: 100 });
    const get = await listening(supervisor);
    await supervisor.start();
    expect(await get('/started')).toBe('200 started\n');
    await supervisor.stop();
    expect(await get('/started')).toBe('200 started\n');
    expect(await get('/ready?verbose')).toBe('503 [-] a: stopped\n[-] b: stopped\n[+] keys: hold-down\nnot ready\n');
    expect(await get('/live')).toBe('200 live\n');
  });
});
