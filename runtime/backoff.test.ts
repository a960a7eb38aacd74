import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoff } from './backoff.ts';
import { systemRandom, uniform, uniformBetween } from './random.ts';

const highest = (size: number): Uint8Array => new Uint8Array(size).fill(0xff);
const lowest = (size: number): Uint8Array => new Uint8Array(size);

describe('backoff', () => {
  it('doubles its bound up to the cap, and starts over after a success', () => {
    const waits = backoff({ baseMs: 100, capMs: 1_000, random: highest });
    const bounds = Array.from({ length: 6 }, () => Math.round(waits.nextMs()));
    expect(bounds).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(waits.failures).toBe(6);
    waits.reset();
    expect(Math.round(waits.nextMs())).toBe(100);
  });

  it('draws from zero on, so that many do not try at once', () => {
    expect(backoff({ baseMs: 100, capMs: 1_000, random: lowest }).nextMs()).toBe(0);
  });

  it('stays within the cap after any number of failures', () => {
    const waits = backoff({ baseMs: 1, capMs: 30_000, random: highest });
    for (let tries = 0; tries < 5_000; tries += 1) {
      expect(waits.nextMs()).toBeLessThanOrEqual(30_000);
    }
  });
});

describe('uniform', () => {
  it('gives numbers from zero to less than one', () => {
    expect(uniform(lowest)).toBe(0);
    expect(uniform(highest)).toBeLessThan(1);
    expect(new Set(Array.from({ length: 100 }, () => uniform(systemRandom))).size).toBe(100);
  });

  it('stretches them between two bounds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        const drawn = uniformBetween(() => bytes, 0.9, 1.1);
        return drawn >= 0.9 && drawn < 1.1;
      }),
    );
  });
});
