import type { Draft } from './record.ts';

/** Somebody who waits for a record to be written (W) or synced (S). */
export interface Waiting {
  readonly draft: Draft;
  readonly durability: 'S' | 'W';
  readonly done: () => void;
  readonly fail: (cause: unknown) => void;
}

/** What is written together: every draft in the order of appending, and who waits for which. */
export interface Group {
  readonly drafts: readonly Draft[];
  readonly awaited: readonly Waiting[];
}

/** What waits to be written. The awaited are few and bounded by refusing; the buffered are bounded by forgetting the oldest. */
export interface AppendQueue {
  /** False: too many wait, it was not taken in. */
  wait(waiting: Waiting): boolean;
  /** Gives up waiting; false when it is being written already. */
  withdraw(waiting: Waiting): boolean;
  /** Gives what had to be forgotten for it. */
  buffer(draft: Draft): Draft | undefined;
  take(): Group;
  isEmpty(): boolean;
}

export interface QueueLimits {
  readonly group: number;
  readonly waiting: number;
  readonly buffered: number;
}

export function createAppendQueue(limits: QueueLimits): AppendQueue {
  const waiting: (Waiting & Numbered)[] = [];
  const buffered: (Numbered & { readonly draft: Draft })[] = [];
  let appended = 0;
  const numbered = (): Numbered => {
    appended += 1;
    return { order: appended };
  };

  return {
    wait(one) {
      if (waiting.length >= limits.waiting) {
        return false;
      }
      waiting.push({ ...one, ...numbered() });
      return true;
    },
    withdraw({ draft }) {
      const index = waiting.findIndex((one) => one.draft === draft);
      if (index >= 0) {
        waiting.splice(index, 1);
      }
      return index >= 0;
    },
    buffer(draft) {
      buffered.push({ draft, ...numbered() });
      return buffered.length > limits.buffered ? buffered.shift()?.draft : undefined;
    },
    take() {
      const awaited = waiting.splice(0, limits.group);
      const next = waiting[0]?.order ?? Number.POSITIVE_INFINITY;
      const later = buffered.findIndex(({ order }) => order > next);
      const before = buffered.splice(0, later === -1 ? buffered.length : later);
      const taken = [...before, ...awaited].sort((a, b) => a.order - b.order);
      return { awaited, drafts: taken.map(({ draft }) => draft) };
    },
    isEmpty: () => waiting.length === 0 && buffered.length === 0,
  };
}

/** How many were appended before. */
interface Numbered {
  readonly order: number;
}
