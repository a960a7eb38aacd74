import type { Clock } from '../../../../runtime/clock.ts';
import type { Client } from '../client.ts';
import type { Registry } from '../resources.ts';
import type { Store, StoredEvent } from '../storage.ts';

/** What a controller works with: it reads the store, as an informer's cache would show it, and writes through the API under its own account. */
export interface ControllerWorld {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly client: Client;
}

/** One control loop: which keys a change concerns, and what brings the world in line for one key. A rejected `reconcile` is tried again, later and later. */
export interface Controller {
  readonly name: string;
  keysOf(event: StoredEvent, store: Store): readonly string[];
  reconcile(key: string, world: ControllerWorld): Promise<void>;
}

/** A running loop; `stop` ends it after the step under way. */
export interface RunningController {
  stop(): Promise<void>;
  /** Resolves when nothing is left to do now; keys that wait for their next attempt do not count. */
  idle(): Promise<void>;
}

const firstRetryMs = 10;
const longestRetryMs = 5_000;

/** Runs a controller over one queue: one key at a time, each key at most once in it. */
export function runController(controller: Controller, world: ControllerWorld): RunningController {
  const queue = new Set<string>();
  const failures = new Map<string, number>();
  const retries = new Set<() => void>();
  let isStopped = false;
  let working: Promise<void> | undefined;

  const enqueue = (key: string): void => {
    queue.add(key);
    working ??= work();
  };
  const retry = (key: string): void => {
    const failed = failures.get(key) ?? 0;
    failures.set(key, failed + 1);
    const cancel = world.clock.after(
      Math.min(firstRetryMs * 2 ** failed, longestRetryMs),
      () => {
        retries.delete(cancel);
        enqueue(key);
      },
      { unref: true },
    );
    retries.add(cancel);
  };
  const work = async (): Promise<void> => {
    // The write that woke us is still under way: it ends before we begin.
    await Promise.resolve();
    for (const key of queue) {
      queue.delete(key);
      if (isStopped) {
        break;
      }
      try {
        await controller.reconcile(key, world);
        failures.delete(key);
      } catch {
        retry(key);
      }
    }
    // In the same step as the last look into the queue: what comes now starts anew.
    working = undefined;
  };
  const unsubscribe = world.store.subscribe((event) => {
    for (const key of controller.keysOf(event, world.store)) {
      enqueue(key);
    }
  });
  return {
    idle: async () => {
      while (working !== undefined) {
        await working;
      }
    },
    stop: async () => {
      isStopped = true;
      unsubscribe();
      for (const cancel of retries) {
        cancel();
      }
      await working;
    },
  };
}
