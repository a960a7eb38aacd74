import { describe, expect, it } from 'vitest';
import { degradedFromMs, renewalDelayMs, retryDelayMs, validityAt } from './renewal-schedule.ts';

const hour = 3_600_000;
const svid = (lifeMs: number) => ({ receivedAtMs: 1_000, notAfterMs: 1_000 + lifeMs });

describe('renewalDelayMs', () => {
  it.each([
    { lifeMs: 24 * hour, draw: 0, delay: 10.8 * hour },
    { lifeMs: 24 * hour, draw: 1, delay: 13.2 * hour },
    { lifeMs: 12_000, draw: 0.5, delay: 6_000 },
  ])('renews an SVID of $lifeMs ms after $delay ms at draw $draw', ({ lifeMs, draw, delay }) => {
    expect(renewalDelayMs(svid(lifeMs), draw)).toBeCloseTo(delay, 3);
  });
});

describe('validityAt', () => {
  it.each([
    { lifeMs: 24 * hour, leftMs: hour + 1, state: 'held' },
    { lifeMs: 24 * hour, leftMs: hour, state: 'degraded' },
    { lifeMs: 60_000, leftMs: 10_001, state: 'held' },
    { lifeMs: 60_000, leftMs: 10_000, state: 'degraded' },
    { lifeMs: 60_000, leftMs: 1, state: 'degraded' },
    { lifeMs: 60_000, leftMs: 0, state: 'expired' },
    { lifeMs: 60_000, leftMs: -1, state: 'expired' },
  ])('is $state with $leftMs of $lifeMs ms left', ({ lifeMs, leftMs, state }) => {
    const times = svid(lifeMs);
    expect(validityAt(times, times.notAfterMs - leftMs)).toBe(state);
  });

  it('degrades the last hour of a long life and the last sixth of a short one', () => {
    expect(degradedFromMs(svid(6 * hour))).toBe(1_000 + 5 * hour);
    expect(degradedFromMs(svid(3 * hour))).toBe(1_000 + 2.5 * hour);
  });
});

describe('retryDelayMs', () => {
  const failed = (failures: number) => ({ failures, isFinal: false });

  it.each([
    { failures: 1, delay: 1_000 },
    { failures: 2, delay: 2_000 },
    { failures: 3, delay: 4_000 },
    { failures: 7, delay: 60_000 },
    { failures: 5_000, delay: 60_000 },
  ])('waits up to $delay ms after failure $failures without an SVID', ({ failures, delay }) => {
    expect(retryDelayMs(failed(failures), undefined, 0, 1)).toBe(delay);
    expect(retryDelayMs(failed(failures), undefined, 0, 0)).toBe(0);
  });

  it('never waits longer than a tenth of the life', () => {
    expect(retryDelayMs(failed(9), svid(12_000), 2_000, 1)).toBe(1_200);
  });

  it('retries a degraded SVID every twentieth of its life, half of that more or less', () => {
    const times = svid(60_000);
    expect(retryDelayMs(failed(9), times, times.notAfterMs - 1, 0)).toBe(1_500);
    expect(retryDelayMs(failed(9), times, times.notAfterMs - 1, 1)).toBe(4_500);
    expect(retryDelayMs(failed(9), svid(24 * hour), 24 * hour, 0)).toBe(15_000);
  });

  it('obeys the authority before anything else', () => {
    expect(retryDelayMs({ failures: 1, retryAfterMs: 7_000, isFinal: true }, undefined, 0, 0)).toBe(7_000);
  });

  it('waits five minutes after a final refusal', () => {
    expect(retryDelayMs({ failures: 1, isFinal: true }, undefined, 0, 0)).toBe(300_000);
  });
});
