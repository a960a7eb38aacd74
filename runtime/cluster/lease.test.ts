import { describe, expect, it } from 'vitest';
import { manualClock } from '../../test/builders/manual-clock.ts';
import { startApiServer } from '../../test/fakes/api-server/api-server.ts';
import { systemClock } from '../clock.ts';
import { deadlineIn } from '../deadline.ts';
import { createLogger } from '../logger.ts';
import { systemRandom } from '../random.ts';
import { ClusterFailure } from './cluster-failure.ts';
import type { ClusterApi } from './kubernetes-client.ts';
import { type LeaseService, leaseService } from './lease.ts';

const logger = createLogger({ program: 'test', level: 'silent', write: () => undefined });
const hasVersion = (value: object): value is { metadata: { resourceVersion?: string } } =>
  'metadata' in value && typeof value.metadata === 'object';

/** One Lease, held by its resourceVersion, under a clock that the test moves. Each replica may be cut off. */
function town() {
  const clock = manualClock();
  let version = 0;
  let stored: object | undefined;
  const store = (body: object): Promise<object> => {
    version += 1;
    stored = { ...body, metadata: { name: 'leader', resourceVersion: String(version) } };
    return Promise.resolve(stored);
  };
  const fail = (code: 'not-found' | 'already-exists' | 'conflict' | 'unavailable') =>
    Promise.reject(new ClusterFailure(code, code, 0));

  function replica(identity: string) {
    let isCutOff = false;
    const reach = (work: () => Promise<object>): Promise<object> => (isCutOff ? fail('unavailable') : work());
    const unused = () => fail('unavailable');
    const api: ClusterApi = {
      list: unused,
      patch: unused,
      remove: unused,
      watch: unused,
      get: () => reach(() => (stored === undefined ? fail('not-found') : Promise.resolve(stored))),
      create: (_path, body) => reach(() => (stored === undefined ? store(body) : fail('already-exists'))),
      replace: (_path, body) =>
        reach(() =>
          hasVersion(body) && body.metadata.resourceVersion === String(version) ? store(body) : fail('conflict'),
        ),
    };
    const lease = leaseService({
      api,
      namespace: 'ours',
      name: 'leader',
      identity,
      durationMs: 15_000,
      clock,
      random: (size) => new Uint8Array(size).fill(0x80),
      logger,
    });
    const told: boolean[] = [];
    lease.onChange((held) => told.push(held));
    return {
      lease,
      told,
      cutOff(state: boolean) {
        isCutOff = state;
      },
    };
  }
  return { clock, replica, stored: () => stored };
}

const started = async (lease: LeaseService): Promise<void> => lease.start(new AbortController().signal);

describe('leaseService', () => {
  it('takes a Lease that does not exist, and says who holds it since when', async () => {
    const { replica, stored } = town();
    const a = replica('pod-a');
    await started(a.lease);
    expect(a.lease.held()).toBe(true);
    expect(a.told).toEqual([true]);
    expect(stored()).toMatchObject({
      spec: {
        holderIdentity: 'pod-a',
        leaseDurationSeconds: 15,
        acquireTime: '2026-01-01T00:00:00.000000Z',
        renewTime: '2026-01-01T00:00:00.000000Z',
        leaseTransitions: 0,
      },
    });
  });

  it('has one holder, who keeps it as long as it renews; the others are ready all the same', async () => {
    const { clock, replica } = town();
    const [a, b] = [replica('pod-a'), replica('pod-b')];
    await started(a.lease);
    await started(b.lease);
    for (let minute = 0; minute < 5; minute += 1) {
      await clock.advance(60_000);
      expect([a.lease.held(), b.lease.held()]).toEqual([true, false]);
    }
    expect(b.told).toEqual([]);
  });

  it('never has two holders: the old one gives up by its own clock before another takes over', async () => {
    const { clock, replica, stored } = town();
    const [a, b] = [replica('pod-a'), replica('pod-b')];
    await started(a.lease);
    await started(b.lease);
    await clock.advance(60_000);
    a.cutOff(true);
    const history: string[] = [];
    for (let elapsed = 0; elapsed < 40_000; elapsed += 250) {
      await clock.advance(250);
      history.push(`${Number(a.lease.held())}${Number(b.lease.held())}`);
    }
    expect(history).not.toContain('11');
    expect(history.at(-1)).toBe('01');
    expect(a.told).toEqual([true, false]);
    expect(stored()).toMatchObject({ spec: { holderIdentity: 'pod-b', leaseTransitions: 1 } });
    a.cutOff(false);
    await clock.advance(60_000);
    expect([a.lease.held(), b.lease.held()]).toEqual([false, true]);
  });

  it('tells its loss the moment it runs out, though a request still hangs', async () => {
    const { clock, replica } = town();
    const a = replica('pod-a');
    await started(a.lease);
    a.cutOff(true);
    await clock.advance(14_999);
    expect(a.told).toEqual([true]);
    await clock.advance(1);
    expect(a.told).toEqual([true, false]);
  });

  it('does not compare clocks: a holder whose clock is a day behind keeps its Lease', async () => {
    const { clock, replica } = town();
    const [a, b] = [replica('pod-a'), replica('pod-b')];
    await started(a.lease);
    clock.setWall(new Date('2026-01-02T00:00:00Z'));
    await started(b.lease);
    await clock.advance(4_000);
    expect([a.lease.held(), b.lease.held()]).toEqual([true, false]);
  });

  it('gives it back when it stops, so that another takes it at once', async () => {
    const { clock, replica } = town();
    const [a, b] = [replica('pod-a'), replica('pod-b')];
    await started(a.lease);
    await started(b.lease);
    await a.lease.stop(deadlineIn(clock, 1_000));
    expect(a.lease.held()).toBe(false);
    await clock.advance(6_000);
    expect(b.lease.held()).toBe(true);
  });

  it('goes on at once after a restart in the same pod', async () => {
    const { clock, replica } = town();
    const before = replica('pod-a');
    await started(before.lease);
    before.cutOff(true);
    await clock.advance(1_000);
    const after = replica('pod-a');
    await started(after.lease);
    expect(after.lease.held()).toBe(true);
  });

  it('lets one of two win a race', async () => {
    const { replica } = town();
    const [a, b] = [replica('pod-a'), replica('pod-b')];
    await Promise.all([started(a.lease), started(b.lease)]);
    expect([a.lease.held(), b.lease.held()].filter((held) => held)).toHaveLength(1);
  });

  it('leads by the embedded API server, and hands over', async () => {
    const cluster = await startApiServer({ controllers: false });
    await cluster.admin.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'ours' },
    });
    const replica = (identity: string) =>
      leaseService({
        api: cluster.admin,
        namespace: 'ours',
        name: 'leader',
        identity,
        durationMs: 300,
        clock: systemClock,
        random: systemRandom,
        logger,
      });
    const [a, b] = [replica('pod-a'), replica('pod-b')];
    await started(a);
    await started(b);
    expect([a.held(), b.held()]).toEqual([true, false]);
    const taken = new Promise<boolean>((resolve) => void b.onChange(resolve));
    await a.stop(deadlineIn(systemClock, 1_000));
    expect(await taken).toBe(true);
    await b.stop(deadlineIn(systemClock, 1_000));
    await cluster.stop();
  });
});
