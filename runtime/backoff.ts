import { type RandomBytes, uniform } from './random.ts';

/** Waiting times between tries: 1, 2, 4 ... times the base up to the cap, each drawn evenly from zero to that (full jitter). */
export interface Backoff {
  /** The next wait in milliseconds. */
  nextMs(): number;
  /** Back to the base, after a success. */
  reset(): void;
  /** Tries since the last reset. */
  readonly failures: number;
}

export function backoff(options: {
  readonly baseMs: number;
  readonly capMs: number;
  readonly random: RandomBytes;
}): Backoff {
  let failures = 0;
  return {
    nextMs() {
      const ceiling = Math.min(options.capMs, options.baseMs * 2 ** Math.min(failures, 30));
      failures += 1;
      return uniform(options.random) * ceiling;
    },
    reset() {
      failures = 0;
    },
    get failures() {
      return failures;
    },
  };
}
