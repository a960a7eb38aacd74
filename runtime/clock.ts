/** Cancels what was scheduled; harmless when it already ran. */
export type Cancel = () => void;

/**
 * Time as an argument. Expiry is judged by the wall (`now`), durations by the monotonic side.
 * Timers exist nowhere else, so that tests advance time by hand (`test/builders/manual-clock.ts`).
 */
export interface Clock {
  /** Wall time. */
  now(): Date;
  /** Milliseconds that only grow, from an arbitrary origin. */
  monotonicMs(): number;
  /** Calls back once after `ms`. Keeps the process alive unless `unref`. */
  after(ms: number, callback: () => void, options?: { readonly unref?: boolean }): Cancel;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  after(ms, callback, options) {
    // setTimeout fires at once beyond 2^31-1 ms, so long waits are walked in steps.
    const longest = 2_147_483_647;
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      timer = setTimeout(() => (left > longest ? arm(left - longest) : callback()), Math.min(left, longest));
      if (options?.unref === true) {
        timer.unref();
      }
    };
    arm(Math.max(0, ms));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or at once when `signal` aborts; says which. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<'elapsed' | 'aborted'> {
  if (signal?.aborted === true) {
    return Promise.resolve('aborted');
  }
  return new Promise((resolve) => {
    const onAbort = (): void => {
      cancel();
      resolve('aborted');
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve('elapsed');
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Calls back every `ms` until cancelled; the next call is scheduled when the last returned. */
export function every(clock: Clock, ms: number, callback: () => void, options?: { readonly unref?: boolean }): Cancel {
  let cancel: Cancel;
  const arm = (): void => {
    cancel = clock.after(
      ms,
      () => {
        arm();
        callback();
      },
      options,
    );
  };
  arm();
  return () => cancel();
}
