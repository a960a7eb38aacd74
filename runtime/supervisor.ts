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
  /** What has become of each, in list order: for whoever asks why a program is not ready. */
  services(): readonly ServiceState[];
}

/** `waiting`: those before it are not ready yet; `starting`: everything waits for it. */
export interface ServiceState {
  readonly name: string;
  readonly state: 'waiting' | 'starting' | 'ready' | 'stopped';
}

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds each service may take to start; absent: as long as it needs. */
  readonly startTimeoutMs?: number;
  /** Milliseconds that stopping may take in all. */
  readonly stopTimeoutMs: number;
  /** Told for metrics: true when a service is ready, false when it is being stopped or ended by itself. */
  readonly onService?: (name: string, isUp: boolean) => void;
}

/**
 * Starts services in list order, each when the one before is ready; stops them in reverse. When one ends by itself, or cannot start, all are stopped and the
 * first cause is what `ended` tells. A service that does not stop in time is left behind: those after it get their turn all the same.
 */
export function supervise(services: readonly Service[], options: SupervisorOptions): Supervisor {
  const { clock, logger, startTimeoutMs, stopTimeoutMs, onService = () => undefined } = options;
  const abort = new AbortController();
  const ended = Promise.withResolvers<{ readonly cause?: unknown }>();
  const stopAsked = Promise.withResolvers<void>();
  const started: Service[] = [];
  let ready = false;
  let stopping: Promise<void> | undefined;
  let firstCause: unknown;
  const isStopping = (): boolean => stopping !== undefined;
  const states = new Map<Service, ServiceState['state']>(services.map((service) => [service, 'waiting']));

  function become(service: Service, state: ServiceState['state']): void {
    states.set(service, state);
    if (state === 'ready' || state === 'stopped') {
      onService(service.name, state === 'ready');
    }
  }

  function bounded(work: Promise<void>, ms: number | undefined, what: string): Promise<void> {
    if (ms === undefined) {
      return work;
    }
    return new Promise((resolve, reject) => {
      const cancel = clock.after(ms, () => reject(new Error(`${what}: not within ${ms} ms`)));
      work.then(resolve, reject).finally(cancel);
    });
  }

  /** Stops everything; what fails while that is under way is a consequence, not the cause. */
  function failed(cause: unknown): Promise<void> {
    firstCause = isStopping() ? firstCause : cause;
    return stop();
  }

  function watch(service: Service): void {
    void service.ended.then((end) => {
      become(service, 'stopped');
      if (end.by === 'itself' && !isStopping()) {
        logger.error(
          { [logKeys.service]: service.name, [logKeys.error]: end.cause },
          'service ended by itself, stopping all',
        );
        void failed(end.cause ?? new Error(`${service.name} ended by itself`));
      }
    });
  }

  async function stopAll(): Promise<void> {
    ready = false;
    const deadline = deadlineIn(clock, stopTimeoutMs);
    for (const service of started.toReversed()) {
      become(service, 'stopped');
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
    stopAsked.resolve();
    stopping ??= stopAll();
    return stopping;
  }

  async function start(): Promise<void> {
    if (isStopping()) {
      throw new Error('stopped before the start');
    }
    for (const service of services) {
      started.push(service);
      become(service, 'starting');
      watch(service);
      try {
        // Who waits for a service that is being stopped waits for nothing.
        await Promise.race([
          bounded(service.start(abort.signal), startTimeoutMs, `start ${service.name}`),
          stopAsked.promise,
        ]);
      } catch (error) {
        await failed(error);
      }
      if (isStopping()) {
        await stop();
        throw asError(firstCause, `stopped while starting ${service.name}`);
      }
      become(service, 'ready');
      logger.debug({ [logKeys.service]: service.name }, 'service ready');
    }
    ready = true;
  }

  return {
    start,
    stop,
    ended: ended.promise,
    isReady: () => ready,
    services: () => services.map((service) => ({ name: service.name, state: states.get(service) ?? 'waiting' })),
  };
}

const asError = (cause: unknown, what: string): Error => (cause instanceof Error ? cause : new Error(what, { cause }));
