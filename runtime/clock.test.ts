import { describe, expect, it } from 'vitest';
import { manualClock } from '../test/builders/manual-clock.ts';
import { every, sleep, systemClock } from './clock.ts';
import { deadlineIn } from './deadline.ts';

describe('systemClock', () => {
  it('calls back once after the time, and not when cancelled', async () => {
    const called: string[] = [];
    const cancel = systemClock.after(1, () => void called.push('cancelled'));
    cancel();
    await new Promise<void>((resolve) => systemClock.after(5, resolve));
    expect(called).toEqual([]);
  });

  it('does not call back early for waits that are longer than a timer can hold', async () => {
    let isCalled = false;
    const cancel = systemClock.after(2 ** 31 + 1_000, () => {
      isCalled = true;
    });
    await sleep(systemClock, 20);
    cancel();
    expect(isCalled).toBe(false);
  });

  it('measures by a clock that only grows', async () => {
    const before = systemClock.monotonicMs();
    await sleep(systemClock, 2);
    expect(systemClock.monotonicMs()).toBeGreaterThan(before);
  });
});

describe('sleep', () => {
  it('says whether the time elapsed or the signal aborted, and leaves no timer behind', async () => {
    const clock = manualClock();
    const abort = new AbortController();
    const [first, second] = [sleep(clock, 100, abort.signal), sleep(clock, 1_000, abort.signal)];
    await clock.advance(100);
    expect(await first).toBe('elapsed');
    abort.abort();
    expect(await second).toBe('aborted');
    expect(clock.pending()).toBe(0);
    expect(await sleep(clock, 100, abort.signal)).toBe('aborted');
  });
});

describe('every', () => {
  it('calls back again and again until cancelled, also from within', async () => {
    const clock = manualClock();
    let calls = 0;
    const cancel = every(clock, 100, () => {
      calls += 1;
      if (calls === 3) {
        cancel();
      }
    });
    await clock.advance(250);
    expect(calls).toBe(2);
    await clock.advance(1_000);
    expect(calls).toBe(3);
    expect(clock.pending()).toBe(0);
  });
});

describe('manualClock', () => {
  it('calls back in the order in which things fall due, at the moment they do', async () => {
    const clock = manualClock(new Date('2026-01-01T00:00:00Z'));
    const seen: string[] = [];
    const note = (name: string) => () => void seen.push(`${name} ${clock.now().toISOString().slice(17, 23)}`);
    clock.after(200, note('late'));
    clock.after(100, () => {
      note('early')();
      clock.after(50, note('nested'));
    });
    await clock.advance(1_000);
    expect(seen).toEqual(['early 00.100', 'nested 00.150', 'late 00.200']);
  });

  it('moves the wall without the monotonic side', () => {
    const clock = manualClock();
    clock.setWall(new Date('2030-01-01T00:00:00Z'));
    expect(clock.now()).toEqual(new Date('2030-01-01T00:00:00Z'));
    expect(clock.monotonicMs()).toBe(0);
  });
});

describe('deadlineIn', () => {
  it('counts down to zero and stays there, whatever the wall does', async () => {
    const clock = manualClock();
    const deadline = deadlineIn(clock, 100);
    await clock.advance(40);
    clock.setWall(new Date(0));
    expect(deadline.remainingMs()).toBe(60);
    await clock.advance(1_000);
    expect(deadline.remainingMs()).toBe(0);
  });
});
