import { type Cancel, type Clock, every } from '../runtime/clock.ts';
import type { RandomBytes } from '../runtime/random.ts';
import { canonicalJson } from './canonical-json.ts';
import { type AuditEvent, auditEvent, type ForwardedEvent } from './event.ts';
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

/** Batches of 64 events or one second, whichever comes first. When the ring is full the oldest goes, and `audit.events.lost` says how many. */
export function createEventBuffer({ send, writeLine, clock, random, observer = {} }: EventBufferOptions): EventBuffer {
  const ring: ForwardedEvent[] = [];
  let lost = 0;
  let sending: Promise<void> | undefined;
  const cancel: Cancel = every(clock, limits.everyMs, () => void flush(), { unref: true });

  function stamped(event: AuditEvent): ForwardedEvent {
    const clean = auditEvent.parse(redact(event, () => observer.redacted?.()));
    return { id: ulid(clock.now(), random), seenAt: clock.now().toISOString(), event: clean };
  }

  function push(event: AuditEvent): void {
    const entry = stamped(event);
    writeLine(canonicalJson({ kind: 'audit', id: entry.id, time: entry.seenAt, program: 'sidecar', ...entry.event }));
    ring.push(entry);
    if (ring.length > limits.ring) {
      ring.shift();
      lost += 1;
      observer.lost?.(1);
    }
  }

  function sayLost(): void {
    if (lost > 0) {
      const count = lost;
      lost = 0;
      push({ event: 'audit.events.lost', outcome: 'info', count, cause: 'overflow' });
    }
  }

  async function sendAll(): Promise<void> {
    sayLost();
    while (ring.length > 0) {
      const batch = ring.slice(0, limits.batch);
      try {
        await send(batch);
      } catch {
        // The sender says why in its own log; the events stay.
        return;
      }
      const sent = new Set(batch);
      ring.splice(0, ring.length, ...ring.filter((entry) => !sent.has(entry)));
    }
  }

  function flush(): Promise<void> {
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
    return sending;
  }

  return {
    append(event) {
      push(event);
      if (ring.length >= limits.batch) {
        void flush();
      }
    },
    flush,
    stop: () => cancel(),
  };
}
