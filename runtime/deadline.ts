import type { Clock } from './clock.ts';

/** A point on the monotonic clock by which something must be over. */
export interface Deadline {
  /** Milliseconds left, never negative. */
  remainingMs(): number;
}

/** The deadline `ms` from now. */
export function deadlineIn(clock: Clock, ms: number): Deadline {
  const end = clock.monotonicMs() + ms;
  return { remainingMs: () => Math.max(0, end - clock.monotonicMs()) };
}
