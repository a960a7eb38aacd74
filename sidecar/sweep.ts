import { type Cancel, type Clock, every } from '../runtime/clock.ts';

/** What is called once per second with the monotonic time in milliseconds. */
export type Visit = (nowMs: number) => void;

/**
 * The one timer of the data plane: connections need no timer each and none per chunk, they are visited once per second.
 * Limits of the relay are therefore kept to the second, never early.
 */
export interface Sweep {
  add(visit: Visit): Cancel;
  stop(): void;
}

/** Starts sweeping; `stop` ends it. */
export function startSweep(clock: Clock): Sweep {
  const visits = new Set<Visit>();
  const cancel = every(
    clock,
    1_000,
    () => {
      const nowMs = clock.monotonicMs();
      for (const visit of visits) {
        visit(nowMs);
      }
    },
    { unref: true },
  );
  return {
    add(visit) {
      visits.add(visit);
      return () => visits.delete(visit);
    },
    stop: cancel,
  };
}
