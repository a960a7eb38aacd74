import { describe, expect, it } from 'vitest';
import { manualClock } from '../../test/builders/manual-clock.ts';
import { forwardingLimit } from './forwarding-limit.ts';
import { createGate } from './gate.ts';
import { issuanceLimits, retryAfterSeconds } from './issuance-limits.ts';
import { tokenBuckets } from './token-bucket.ts';

const random = (size: number): Uint8Array => new Uint8Array(size).fill(0x80);

describe('token buckets', () => {
  it('let a burst through, then the rate, each key for itself, and say how long to wait', async () => {
    const clock = manualClock();
    const buckets = tokenBuckets({ ratePerSecond: 2, burst: 3, clock });
    expect([1, 2, 3, 4].map(() => buckets.take('a'))).toEqual([0, 0, 0, 500]);
    expect(buckets.take('b')).toBe(0);
    await clock.advance(500);
    expect([buckets.take('a'), buckets.take('a')]).toEqual([0, 500]);
    await clock.advance(60_000);
    expect([1, 2, 3, 4].map(() => buckets.take('a'))).toEqual([0, 0, 0, 500]);
  });

  it('do not forget a bucket that is in use when many keys come by', () => {
    const buckets = tokenBuckets({ ratePerSecond: 1, burst: 1, clock: manualClock() });
    buckets.take('mine');
    for (let index = 0; index < 5_000; index += 1) {
      buckets.take(`other-${index}`);
    }
    expect(buckets.take('mine')).toBe(1_000);
  });
});

describe('issuance limits', () => {
  it('allow a pod ten requests a minute, or four per SVID life where that is more', async () => {
    const clock = manualClock();
    const long = issuanceLimits({ svidMs: 86_400_000, clock, random });
    const granted = (limits: typeof long): number =>
      Array.from({ length: 20 }, () => limits.pod('uid').ok).filter(Boolean).length;
    expect(granted(long)).toBe(10);
    const short = issuanceLimits({ svidMs: 10_000, clock, random });
    expect(granted(short)).toBe(10);
    await clock.advance(10_000);
    expect([granted(long), granted(short)]).toEqual([1, 4]);
    expect(long.pod('another').ok).toBe(true);
  });

  it('keep room for renewals, however many ask who have proven nothing', () => {
    const limits = issuanceLimits({ svidMs: 60_000, clock: manualClock(), random });
    const answers = Array.from({ length: 201 }, () => limits.replica('unproven').ok);
    expect([answers.filter(Boolean).length, limits.replica('renewal').ok]).toEqual([200, true]);
  });

  it('count the life a pod asks for, where that is shorter', async () => {
    const clock = manualClock();
    const limits = issuanceLimits({ svidMs: 60_000, clock, random });
    const granted = (): number => Array.from({ length: 20 }, () => limits.pod('uid', 12_000).ok).filter(Boolean).length;
    granted();
    await clock.advance(12_000);
    expect(granted()).toBe(4);
  });

  it('tell when to come back: jittered, 1 s to a tenth of a life, 30 s at most', () => {
    const low = (size: number): Uint8Array => new Uint8Array(size);
    const high = (size: number): Uint8Array => new Uint8Array(size).fill(0xff);
    expect(retryAfterSeconds(86_400_000, low)).toBe(1);
    expect(retryAfterSeconds(86_400_000, high)).toBeCloseTo(30);
    expect(retryAfterSeconds(60_000, high)).toBeCloseTo(6);
    expect(retryAfterSeconds(10_000, high)).toBe(1);
  });
});

describe('leave to hand over events', () => {
  it('is a sidecar’s whole ring at once, then five batches a second, each pod for itself', async () => {
    const clock = manualClock();
    const leave = forwardingLimit(clock);
    const granted = (uid: string): number => Array.from({ length: 50 }, () => leave(uid).ok).filter(Boolean).length;
    expect([granted('flooding'), granted('quiet')]).toEqual([32, 32]);
    await clock.advance(1_000);
    expect(granted('flooding')).toBe(5);
    expect(leave('flooding')).toMatchObject({ refusal: { reason: 'rate-limited', retryAfterSeconds: 1 } });
  });
});

describe('a gate', () => {
  it('lets renewals in before others, and turns away at once who would wait behind too many', async () => {
    const gate = createGate({ atOnce: 1, waiting: 2 });
    const first = Promise.withResolvers<string>();
    const order: string[] = [];
    const pass = (name: string, priority: 0 | 1) =>
      gate.pass(priority, () => {
        order.push(name);
        return Promise.resolve(name);
      });
    const inside = gate.pass(1, () => first.promise);
    const waiting = [pass('first attestation', 1), pass('renewal', 0)];
    expect(await pass('too many', 0)).toBeUndefined();
    first.resolve('done');
    expect(await inside).toBe('done');
    expect(await Promise.all(waiting)).toEqual(['first attestation', 'renewal']);
    expect(order).toEqual(['renewal', 'first attestation']);
  });

  it('is free again after work that failed', async () => {
    const gate = createGate({ atOnce: 1, waiting: 0 });
    await expect(gate.pass(0, () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(await gate.pass(0, () => Promise.resolve(1))).toBe(1);
  });
});
