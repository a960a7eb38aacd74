/** Lower goes first. */
export type Priority = 0 | 1;

/** Lets `atOnce` callers in and up to `waiting` wait; those of priority 0 before the others. */
export interface Gate {
  /** Runs `work` when there is a place; undefined, at once, when too many wait already. */
  pass<T>(priority: Priority, work: () => Promise<T>): Promise<T | undefined>;
}

/** A gate that keeps nothing but its queue. */
export function createGate({ atOnce, waiting }: { readonly atOnce: number; readonly waiting: number }): Gate {
  const queues: readonly [(() => void)[], (() => void)[]] = [[], []];
  let inside = 0;
  const leave = (): void => {
    const next = queues[0].shift() ?? queues[1].shift();
    if (next === undefined) {
      inside -= 1;
    } else {
      next();
    }
  };
  const enter = (priority: Priority): Promise<void> => {
    if (inside < atOnce) {
      inside += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      queues[priority].push(resolve);
    });
  };
  return {
    async pass(priority, work) {
      if (inside >= atOnce && queues[0].length + queues[1].length >= waiting) {
        return undefined;
      }
      await enter(priority);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
