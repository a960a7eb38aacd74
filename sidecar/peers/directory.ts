import type { Destination } from '../../authority/client/messages.ts';
import { limits } from '../../authority/client/messages.ts';
import type { Cancel, Clock } from '../../runtime/clock.ts';
import type { Sweep } from '../sweep.ts';

/** What is known about a destination. `unavailable`: never heard of it, and nobody answers; guessing would be a downgrade. */
export type DirectoryAnswer =
  | { readonly kind: 'known'; readonly destination: Destination }
  | { readonly kind: 'unavailable' };

/** Tells the authority which keys to follow and which to forget; rejects when it cannot be told. */
export type FollowKeys = (keys: readonly string[], drop: readonly string[]) => Promise<void>;

export interface DirectoryOptions {
  readonly follow: FollowKeys;
  readonly clock: Clock;
  readonly sweep: Sweep;
  readonly observer?: DirectoryObserver;
}

/** Told of each look-up; `seconds` only when the authority had to be asked. */
export interface DirectoryObserver {
  lookedUp(result: 'known' | 'answered' | 'unavailable' | 'limit', seconds?: number): void;
  entries(count: number): void;
}

/**
 * Who is behind a destination. Keys are subscribed on first use and answered over the stream; every later update replaces the entry. Entries stay in force
 * while the authority is away.
 */
export interface Directory {
  lookup(key: string): Promise<DirectoryAnswer>;
  /** Asks anew, because what is known proved wrong; what is known is used when no answer comes. */
  refresh(key: string): Promise<DirectoryAnswer>;
  /** From the stream. Keys that were not asked for are ignored. */
  accept(destination: Destination): void;
  /** A new stream knows nothing: everything is subscribed again. */
  resubscribe(): void;
  /** Keys that are followed. */
  size(): number;
  stop(): void;
}

interface Entry {
  destination: Destination | undefined;
  receivedAtMs: number;
  usedAtMs: number;
  readonly waiting: Set<() => void>;
}

const answerWithinMs = 2_000;
const forgetAfterMs = 10 * 60_000;
const negativeMs = { outside: 5 * 60_000, unknown: 30_000 } as const;
const maximumEntries = 10_000;
const newKeysPerSecond = 100;

/** An empty directory. */
export function createDirectory({ follow, clock, sweep, observer }: DirectoryOptions): Directory {
  const entries = new Map<string, Entry>();
  const budget = keyBudget(clock);
  const tell = (keys: readonly string[], drop: readonly string[]): void => {
    // Without a stream the next one subscribes everything; a lost call shows as an unanswered look-up.
    follow(keys, drop).catch(() => undefined);
  };
  const ask = async (key: string, entry: Entry): Promise<DirectoryAnswer> => {
    const startedMs = clock.monotonicMs();
    const answered = await waitForAnswer(entry, clock);
    if (entry.destination === undefined) {
      entries.delete(key);
      tell([], [key]);
    }
    observer?.lookedUp(answered ? 'answered' : 'unavailable', (clock.monotonicMs() - startedMs) / 1_000);
    return answerOf(entry);
  };
  const stopSweeping = sweep.add((nowMs) => {
    const old = [...entries].filter(([, entry]) => isStale(entry, nowMs)).map(([key]) => key);
    for (const key of old) {
      entries.delete(key);
    }
    for (const batch of batches(old)) {
      tell([], batch);
    }
    observer?.entries(entries.size);
  });
  const lookup = (key: string): Promise<DirectoryAnswer> => {
    const known = entries.get(key);
    if (known === undefined) {
      return lookupNew(key);
    }
    known.usedAtMs = clock.monotonicMs();
    if (known.destination === undefined) {
      return ask(key, known);
    }
    observer?.lookedUp('known');
    return Promise.resolve(answerOf(known));
  };
  const lookupNew = (key: string): Promise<DirectoryAnswer> => {
    if (entries.size >= maximumEntries || !budget.take()) {
      observer?.lookedUp('limit');
      return Promise.resolve({ kind: 'unavailable' });
    }
    const nowMs = clock.monotonicMs();
    const entry: Entry = { destination: undefined, receivedAtMs: nowMs, usedAtMs: nowMs, waiting: new Set() };
    entries.set(key, entry);
    tell([key], []);
    return ask(key, entry);
  };
  return {
    lookup,
    refresh(key) {
      const entry = entries.get(key);
      if (entry === undefined || !budget.take()) {
        return lookup(key);
      }
      tell([key], [key]);
      return ask(key, entry);
    },
    accept(destination) {
      const entry = entries.get(destination.key);
      if (entry !== undefined) {
        entry.destination = destination;
        entry.receivedAtMs = clock.monotonicMs();
        for (const resolve of entry.waiting) {
          resolve();
        }
      }
    },
    resubscribe() {
      for (const batch of batches([...entries.keys()])) {
        tell(batch, []);
      }
    },
    size: () => entries.size,
    stop: stopSweeping,
  };
}

function answerOf({ destination }: Entry): DirectoryAnswer {
  return destination === undefined ? { kind: 'unavailable' } : { kind: 'known', destination };
}

/** Unused for ten minutes, or a negative answer that has served its time. */
function isStale({ destination, receivedAtMs, usedAtMs, waiting }: Entry, nowMs: number): boolean {
  if (waiting.size > 0) {
    return false;
  }
  const isOldNo =
    destination !== undefined && destination.kind !== 'mesh' && nowMs - receivedAtMs >= negativeMs[destination.kind];
  return isOldNo || nowMs - usedAtMs >= forgetAfterMs;
}

/** Whether the next answer came within two seconds. */
function waitForAnswer(entry: Entry, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    let cancel: Cancel = () => undefined;
    const settle = (answered: boolean): void => {
      cancel();
      entry.waiting.delete(onAnswer);
      resolve(answered);
    };
    const onAnswer = (): void => settle(true);
    entry.waiting.add(onAnswer);
    cancel = clock.after(answerWithinMs, () => settle(false));
  });
}

/** 100 new keys per second, counted in whole seconds. */
function keyBudget(clock: Clock): { take(): boolean } {
  let windowMs = clock.monotonicMs();
  let taken = 0;
  return {
    take() {
      const nowMs = clock.monotonicMs();
      if (nowMs - windowMs >= 1_000) {
        windowMs = nowMs;
        taken = 0;
      }
      taken += 1;
      return taken <= newKeysPerSecond;
    },
  };
}

function batches(keys: readonly string[]): readonly (readonly string[])[] {
  const size = limits.keysPerDirectoryRequest;
  return Array.from({ length: Math.ceil(keys.length / size) }, (_, index) =>
    keys.slice(index * size, (index + 1) * size),
  );
}
