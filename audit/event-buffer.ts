import { type Clock, every } from '../runtime/clock.ts';
import type { RandomBytes } from '../runtime/random.ts';
import { canonicalJson } from './canonical-json.ts';
import { type AuditEvent, auditEvent, type ForwardedEvent } from './event.ts';
import { createLossTally, lossNotice } from './loss-tally.ts';
import { redact } from './redact.ts';
import { ulid } from './ulid.ts';

/** Takes a batch of at most 64 events, or rejects: they are kept and sent again. */
export type SendEvents = (events: readonly ForwardedEvent[]) => Promise<void>;

/** A program without a log of its own keeps its events here until the authority has them. Every event is printed at once as well. */
export interface EventBuffer {
  append(event: AuditEvent): void;
  /** Sends what is left; resolves when all is sent or a batch failed. */
  flush(): Promise<void>;
  stop(): void;
}

export interface EventBufferOptions {
  readonly send: SendEvents;
  /** Gets each event as one line, without a newline: the program's stdout. */
  readonly writeLine: (line: string) => void;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly observer?: { lost?(count: number): void; redacted?(): void };
}

const limits = { ring: 1_000, batch: 64, everyMs: 1_000 } as const;

/**
 * Batches of 64 events or one second, whichever comes first, in the order of appending; after a batch failed only once a second. When the ring is full the oldest
 * goes, and the next batch that is taken begins with `audit.events.lost`, which says how many.
 */
export function createEventBuffer({ send, writeLine, clock, random, observer = {} }: EventBufferOptions): EventBuffer {
  const ring: ForwardedEvent[] = [];
  const tally = createLossTally();
  let hasFailed = false;
  let sending: Promise<void> | undefined;
  const cancel = every(clock, limits.everyMs, () => void flush(), { unref: true });

  function stamped(event: AuditEvent): ForwardedEvent {
    const clean = auditEvent.parse(redact(event, () => observer.redacted?.()));
    return { id: ulid(clock.now(), random), seenAt: clock.now().toISOString(), event: clean };
  }

  const print = ({ id, seenAt, event }: ForwardedEvent): void =>
    writeLine(canonicalJson({ ...event, kind: 'audit', id, time: seenAt, program: 'sidecar' }));

  function forgetOldest(): void {
    const forgotten = ring.splice(0, Math.max(0, ring.length - limits.ring));
    forgotten.forEach(({ seenAt }) => {
      const at = new Date(seenAt);
      tally.add({ cause: 'overflow', count: 1, from: at, to: at });
    });
    if (forgotten.length > 0) {
      observer.lost?.(forgotten.length);
    }
  }

  /** Sends the next batch; false when it was not taken, and everything is as before. */
  async function sendBatch(): Promise<boolean> {
    const losses = tally.take();
    const notices = losses.map((loss) => stamped(lossNotice(loss)));
    const batch = ring.splice(0, limits.batch - notices.length);
    try {
      await send([...notices, ...batch]);
      notices.forEach(print);
      return true;
    } catch {
      // The sender says why in its own log; the events stay.
      losses.forEach((loss) => tally.add(loss));
      ring.unshift(...batch);
      forgetOldest();
      return false;
    }
  }

  async function sendAll(): Promise<void> {
    do {
      hasFailed = !(await sendBatch());
    } while (!hasFailed && ring.length > 0);
    // Here and not in a `finally` behind the promise: what is appended between the two would wait for nobody.
    sending = undefined;
  }

  function flush(): Promise<void> {
    if (sending === undefined && ring.length === 0) {
      return Promise.resolve();
    }
    sending ??= sendAll();
    return sending;
  }

  return {
    append(event) {
      const entry = stamped(event);
      print(entry);
      ring.push(entry);
      forgetOldest();
      if (ring.length >= limits.batch && !hasFailed) {
        void flush();
      }
    },
    flush,
    stop: () => cancel(),
  };
}
