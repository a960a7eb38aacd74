import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../runtime/logger.ts';
import { type ManualClock, manualClock } from '../../test/builders/manual-clock.ts';
import { obtainedFrom } from '../../test/builders/obtained-svid.ts';
import { createTestAuthority, type TestAuthority } from '../../test/builders/test-authority.ts';
import { type IdentityLoop, identityLoop } from './identity-loop.ts';
import { IdentityFailure, type IdentitySource } from './identity-source.ts';
import { memorySource } from './memory-source.ts';
import { createSvidStore, type SvidStore } from './svid-store.ts';

const start = new Date('2026-05-01T00:00:00Z');
const lifeSeconds = 600;
const half = (): Uint8Array => Uint8Array.from([0x80, 0, 0, 0, 0, 0]);

interface Run {
  readonly loop: IdentityLoop;
  readonly store: SvidStore;
  readonly clock: ManualClock;
  readonly states: string[];
  readonly outcomes: string[];
  evidence: string;
}

const running: Run[] = [];
afterEach(async () => {
  for (const { loop, clock } of running.splice(0)) {
    const stopped = loop.stop({ remainingMs: () => 1_000 });
    await clock.advance(0);
    await stopped;
  }
});

function begin(source: IdentitySource, authority: TestAuthority, clock = manualClock(start)): Run {
  const store = createSvidStore();
  const states: string[] = [];
  const outcomes: string[] = [];
  const run: Run = {
    store,
    clock,
    states,
    outcomes,
    evidence: 'one',
    loop: identityLoop({
      source,
      store,
      trustDomain: authority.trustDomain,
      evidenceVersion: () => Promise.resolve(run.evidence),
      clock,
      // A draw of one half: waits are the middle of their range.
      random: half,
      logger: createLogger({ program: 'sidecar', level: 'silent', write: () => undefined }),
      observer: {
        state: (state, _svid, reason) => states.push(reason === undefined ? state : `${state} ${reason}`),
        attempt: (outcome) => outcomes.push(outcome),
      },
    }),
  };
  running.push(run);
  run.loop.start(new AbortController().signal).catch(() => undefined);
  return run;
}

const authority = createTestAuthority({ trustDomain: 'td-a', at: start });
const serial = ({ store }: Run): string | undefined => store.current()?.svid.serial;

describe('identityLoop', () => {
  it('is ready when the first SVID is held, and renews it at half its life', async () => {
    const source = memorySource([1, 2].map((round) => obtainedFrom(authority, { ttlSeconds: round * lifeSeconds })));
    const run = begin(source, authority);
    await run.clock.advance(0);
    expect(run.states).toEqual(['held']);
    const first = serial(run);
    await run.clock.advance(299_000);
    expect(serial(run)).toBe(first);
    await run.clock.advance(2_000);
    expect(serial(run)).not.toBe(first);
    expect(run.outcomes).toEqual(['success', 'success']);
  });

  it('keeps the SVID while the source fails: degraded in the last sixth, then expired, then held again', async () => {
    const good = obtainedFrom(authority, { ttlSeconds: lifeSeconds });
    const later = obtainedFrom(authority, { ttlSeconds: 3 * lifeSeconds });
    let isUp = true;
    let answer = good;
    const run = begin({ obtain: () => (isUp ? Promise.resolve(answer) : fail('unreachable')) }, authority);
    await run.clock.advance(0);
    isUp = false;
    await run.clock.advance(499_000);
    expect(run.loop.state()).toBe('held');
    await run.clock.advance(2_000);
    expect(run.loop.state()).toBe('degraded');
    await run.clock.advance(100_000);
    expect(run.loop.state()).toBe('expired');
    isUp = true;
    answer = later;
    await run.clock.advance(60_000);
    expect(run.loop.state()).toBe('held');
    expect(run.states).toEqual(['held', 'degraded unreachable', 'expired unreachable', 'held']);
  });

  it('is denied after a final refusal, and tries again when the evidence changes', async () => {
    const source = memorySource([refusal('pod-unknown', true), obtainedFrom(authority, { ttlSeconds: lifeSeconds })]);
    const run = begin(source, authority);
    await run.clock.advance(5_000);
    expect(run.states).toEqual(['denied pod-unknown']);
    expect(source.calls()).toBe(1);
    run.evidence = 'two';
    await run.clock.advance(3_000);
    expect(run.states).toEqual(['denied pod-unknown', 'held']);
  });

  it('tries again every five minutes after a final refusal', async () => {
    const source = memorySource([refusal('pod-unknown', true)]);
    const run = begin(source, authority);
    await run.clock.advance(299_000);
    expect(source.calls()).toBe(1);
    await run.clock.advance(2_000);
    expect(source.calls()).toBe(2);
  });

  it('waits as long as the authority asks', async () => {
    const later = new IdentityFailure('refused', { reason: 'hold-down', retryAfterMs: 12_000 });
    const source = memorySource([later, obtainedFrom(authority, { ttlSeconds: lifeSeconds })]);
    const run = begin(source, authority);
    await run.clock.advance(11_000);
    expect(source.calls()).toBe(1);
    await run.clock.advance(1_500);
    expect(run.states).toEqual(['held']);
  });

  it('obeys one order to renew in ten seconds', async () => {
    const source = memorySource(Array.from({ length: 5 }, () => obtainedFrom(authority, { ttlSeconds: lifeSeconds })));
    const run = begin(source, authority);
    await run.clock.advance(0);
    run.loop.renewWithin(2_000);
    run.loop.renewWithin(2_000);
    await run.clock.advance(900);
    expect(source.calls()).toBe(1);
    await run.clock.advance(200);
    expect(source.calls()).toBe(2);
    await run.clock.advance(10_000);
    expect(source.calls()).toBe(2);
    run.loop.renewWithin(0);
    await run.clock.advance(10);
    expect(source.calls()).toBe(3);
  });

  it('expires by the wall clock too, when that jumps', async () => {
    const source = memorySource([obtainedFrom(authority, { ttlSeconds: lifeSeconds }), refusal('unreachable', false)]);
    const run = begin(source, authority);
    await run.clock.advance(0);
    run.clock.setWall(new Date(start.getTime() + lifeSeconds * 1_000 + 1));
    await run.clock.advance(1_000);
    expect(run.loop.state()).toBe('expired');
    expect(source.calls()).toBe(2);
  });

  it.each([
    { what: 'for another key', bend: { key: obtainedFrom(authority, {}).key }, reason: 'key-differs' },
    { what: 'announced under another id', bend: { spiffeId: 'spiffe://td-a/other' }, reason: 'id-differs' },
    {
      what: 'with a chain to no anchor of its bundle',
      bend: { chain: obtainedFrom(createTestAuthority({ trustDomain: 'td-a', at: start }), {}).chain },
      reason: 'X-10',
    },
  ])('refuses an SVID $what and keeps the one held', async ({ bend, reason }) => {
    const good = obtainedFrom(authority, { ttlSeconds: lifeSeconds });
    const run = begin(memorySource([good, { ...obtainedFrom(authority, {}), ...bend }]), authority);
    await run.clock.advance(0);
    const held = serial(run);
    run.loop.renewWithin(0);
    await run.clock.advance(10);
    expect(run.outcomes).toEqual(['success', 'failure']);
    expect(run.loop.lastReason()).toBe(reason);
    expect(serial(run)).toBe(held);
  });

  it('refuses an SVID of another trust domain', async () => {
    const foreign = createTestAuthority({ trustDomain: 'td-b', at: start });
    const run = begin(memorySource([obtainedFrom(foreign, {})]), authority);
    await run.clock.advance(0);
    expect(run.loop.lastReason()).toBe('foreign-trust-domain');
    expect(run.store.current()).toBeUndefined();
  });
});

function refusal(reason: string, isFinal: boolean): IdentityFailure {
  return new IdentityFailure('refused', { reason, isFinal });
}

function fail(reason: string): Promise<never> {
  return Promise.reject(new IdentityFailure('unavailable', { reason }));
}
