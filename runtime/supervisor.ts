import type { Clock } from './clock.ts';
import { deadlineIn } from './deadline.ts';
import { logKeys } from './log-keys.ts';
import type { Logger } from './logger.ts';
import type { Service } from './service.ts';

/** Runs a program's services. */
export interface Supervisor {
  /** Starts all in list order; resolves when the last is ready. On a failed start stops what had started and rejects with the cause. */
  start(): Promise<void>;
  /** Stops all in reverse. Safe to call twice. */
  stop(): Promise<void>;
  /** Resolves when everything is quiet: with the *first* cause when a service ended by itself. */
  readonly ended: Promise<{ readonly cause?: unknown }>;
  /** All started and none ending. */
  isReady(): boolean;
}

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds each service may take to start; absent: as long as it needs. */
  readonly startTimeoutMs?: number;
  /** Milliseconds that stopping may take in all. */
  readonly stopTimeoutMs: number;
}

export function supervise(services: readonly Service[], options: SupervisorOptions): Supervisor {
  const { clock, logger, startTimeoutMs, stopTimeoutMs } = options;
  const abort = new AbortController();
  const ended = Promise.withResolvers<{ readonly cause?: unknown }>();
  const started: Service[] = [];
  let ready = false;
  let stopping: Promise<void> | undefined;
  let firstCause: unknown;

  function bounded(work: Promise<void>, ms: number | undefined, what: string): Promise<void> {
    if (ms === undefined) {
      return work;
    }
    return new Promise((resolve, reject) => {
      const cancel = clock.after(ms, () => reject(new Error(`${what}: not within ${ms} ms`)));
      work.then(resolve, reject).finally(cancel);
    });
  }

  function watch(service: Service): void {
    void service.ended.then((end) => {
      if (end.by === 'itself' && stopping === undefined) {
        logger.error(
          { [logKeys.service]: service.name, [logKeys.error]: end.cause },
          'service ended by itself, stopping all',
        );
        firstCause ??= end.cause ?? new Error(`${service.name} ended by itself`);
        void stop();
      }
    });
  }

  async function stopAll(): Promise<void> {
    ready = false;
    const deadline = deadlineIn(clock, stopTimeoutMs);
    for (const service of started.toReversed()) {
      try {
        await bounded(service.stop(deadline), Math.max(1, deadline.remainingMs()), `stop ${service.name}`);
      } catch (error) {
        logger.error({ [logKeys.service]: service.name, [logKeys.error]: error }, 'service did not stop cleanly');
      }
    }
    abort.abort();
    ended.resolve(firstCause === undefined ? {} : { cause: firstCause });
  }

  function stop(): Promise<void> {
    stopping ??= stopAll();
    return stopping;
  }

  async function start(): Promise<void> {
    for (const service of services) {
      if (stopping !== undefined) {
        throw asError(firstCause, 'stopped while starting');
      }
      started.push(service);
      watch(service);
      try {
        await bounded(service.start(abort.signal), startTimeoutMs, `start ${service.name}`);
      } catch (error) {
        firstCause ??= error;
        await stop();
        throw asError(firstCause, `start ${service.name}`);
      }
      logger.debug({ [logKeys.service]: service.name }, 'service ready');
    }
    ready = stopping === undefined;
  }

  return { start, stop, ended: ended.promise, isReady: () => ready };
}

const asError = (cause: unknown, what: string): Error => (cause instanceof Error ? cause : new Error(what, { cause }));
