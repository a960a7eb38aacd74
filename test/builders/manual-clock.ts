import type { Clock } from '../../runtime/clock.ts';

/** A clock that stands still until it is told to move. */
export interface ManualClock extends Clock {
  /** Moves on by `ms`, calling back in order what falls due, and lets promises settle in between. */
  advance(ms: number): Promise<void>;
  /** Shifts the wall without moving the monotonic side, as a clock set by an administrator. */
  setWall(at: Date): void;
  /** How many callbacks wait. */
  pending(): number;
}

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
};

export function manualClock(start: Date = new Date('2026-01-01T00:00:00Z')): ManualClock {
  let monotonic = 0;
  let wallOffset = start.getTime();
  const timers = new Set<Timer>();

  const nextDue = (untilMs: number): Timer | undefined =>
    [...timers].filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];

  return {
    now: () => new Date(wallOffset + monotonic),
    monotonicMs: () => monotonic,
    after(ms, callback) {
      const timer = { dueMs: monotonic + Math.max(0, ms), callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const end = monotonic + ms;
      await settle();
      for (let timer = nextDue(end); timer !== undefined; timer = nextDue(end)) {
        monotonic = Math.max(monotonic, timer.dueMs);
        timers.delete(timer);
        timer.callback();
        await settle();
      }
      monotonic = end;
      await settle();
    },
    setWall(at) {
      wallOffset = at.getTime() - monotonic;
    },
    pending: () => timers.size,
  };
}
