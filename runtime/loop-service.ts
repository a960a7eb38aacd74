import type { Ended, Service } from './service.ts';

/** What a loop may say of itself: `ready()` once, when those who wait for it may go on. */
export interface LoopContext {
  readonly signal: AbortSignal;
  ready(): void;
}

/**
 * A Service out of an async function that runs until its signal aborts. `start` resolves at `ready()`, and rejects when the loop ends before; a loop
 * that ends or throws unasked has ended by itself.
 */
export function loopService(name: string, run: (context: LoopContext) => Promise<void>): Service {
  const abort = new AbortController();
  const ended = Promise.withResolvers<Ended>();
  const ready = Promise.withResolvers<void>();
  let started = false;
  // Nobody may be waiting any more when a loop that was already ready fails.
  ready.promise.catch(() => undefined);

  const finish = (cause: unknown): void => {
    ended.resolve(abort.signal.aborted ? { by: 'stop' } : { by: 'itself', cause });
    ready.reject(cause);
  };

  return {
    name,
    ended: ended.promise,
    start(signal) {
      started = true;
      signal.addEventListener('abort', () => abort.abort(), { once: true });
      run({ signal: abort.signal, ready: () => ready.resolve() }).then(
        () => finish(new Error(`${name} ended`)),
        (error: unknown) => finish(error),
      );
      return ready.promise;
    },
    async stop() {
      abort.abort();
      if (started) {
        await ended.promise;
      } else {
        ended.resolve({ by: 'stop' });
      }
    },
  };
}
