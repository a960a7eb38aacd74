import { type Cancel, type Clock, every } from '../runtime/clock.ts';
import { logKeys } from '../runtime/log-keys.ts';
import type { Logger } from '../runtime/logger.ts';
import type { RandomBytes } from '../runtime/random.ts';
import type { Ended, Service } from '../runtime/service.ts';
import { createAppendQueue, type Waiting } from './append-queue.ts';
import type { ChainHead } from './chain.ts';
import { createChainWriter } from './chain-writer.ts';
import {
  type AuditEvent,
  auditEvent,
  type EventClass,
  eventClass,
  type ForwardedEvent,
  type Program,
  type Replica,
} from './event.ts';
import { AuditFailure } from './failures.ts';
import { createLossTally, type LossCause, lossNotice } from './loss-tally.ts';
import type { Draft } from './record.ts';
import type { Segments } from './segments/segments.ts';
import { ulid } from './ulid.ts';

/**
 * One program's tamper-evident log.
 *
 * `append` resolves when the event is as durable as its class asks: S after a sync, W after a write, B at once; whatever was written is synced within a second. It
 * rejects with `AuditFailure` when that cannot be had within 1 s (`audit-unavailable`; also before `start` and after `stop`) or 1,000 already wait
 * (`overloaded`): whoever was about to grant something must not. An event that does not fit its schema is a programmer's mistake: `TypeError`.
 *
 * Records come in the order of appending. Events of class W and B that no record holds are counted, and the count is itself an event as soon as the log can be
 * written again. An S event that was refused may have been written all the same: it claims too much, never too little.
 */
export interface AuditLog extends Service {
  append(event: AuditEvent): Promise<void>;
  /** Takes in what a sidecar saw, class B, as seen by `sender`, whom we authenticated. */
  appendForwarded(event: ForwardedEvent, sender: Replica): void;
}

/** Told of every append, for metrics. */
export interface AuditObserver {
  appended?(eventClass: EventClass, outcome: 'written' | 'failed', durationMs: number): void;
  lost?(count: number): void;
  redacted?(): void;
}

export interface AuditLogOptions {
  readonly program: Program;
  readonly replica: Replica;
  readonly cluster: string;
  readonly trustDomain: string;
  readonly segments: Segments;
  /** Gets each record as it was written, without a newline: the program's stdout. */
  readonly writeLine?: (line: string) => void;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
  readonly observer?: AuditObserver;
}

const limits = { group: 256, waiting: 1_000, buffered: 10_000 } as const;
const patienceMs = 1_000;
const flushMs = 1_000;

export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { program, replica, cluster, trustDomain, segments, clock, random, logger, observer = {} } = options;
  const ended = Promise.withResolvers<Ended>();
  const queue = createAppendQueue(limits);
  const tally = createLossTally();
  const writer = createChainWriter({
    segments,
    identity: { log: `${program}/${replica.podUid}`, cluster, trustDomain },
    writeLine: (line) => options.writeLine?.(line),
    onRedaction: () => observer.redacted?.(),
    logger,
  });
  let state: 'new' | 'open' | 'closed' = 'new';
  let isSyncDue = false;
  let flushing: Promise<void> | undefined;
  let stopTicking: Cancel = () => undefined;

  const draftOf = (event: AuditEvent): Draft => ({
    event,
    id: ulid(clock.now(), random),
    time: clock.now(),
    program,
    replica,
  });

  function lose(cause: LossCause, drafts: readonly Draft[]): void {
    drafts.forEach(({ time }) => tally.add({ cause, count: 1, from: time, to: time }));
    observer.lost?.(drafts.length);
  }

  function buffer(draft: Draft): void {
    const forgotten = state === 'closed' ? draft : queue.buffer(draft);
    if (forgotten !== undefined) {
      lose('overflow', [forgotten]);
    }
  }

  /** Writes the next group, what was lost first, and syncs it where somebody waits for that. */
  async function writeGroup(): Promise<void> {
    const { drafts, awaited } = queue.take();
    const losses = tally.take();
    if (drafts.length + losses.length === 0) {
      return;
    }
    const ofClass = (durability: 'S' | 'W'): readonly Waiting[] =>
      awaited.filter((waiting) => waiting.durability === durability);
    let isWritten = false;
    try {
      await writer.write([...losses.map((loss) => draftOf(lossNotice(loss))), ...drafts]);
      isWritten = true;
      ofClass('W').forEach(({ done }) => done());
      if (ofClass('S').length > 0) {
        await writer.sync();
      }
      ofClass('S').forEach(({ done }) => done());
    } catch (cause) {
      if (!isWritten) {
        losses.forEach((loss) => tally.add(loss));
        const refused = new Set(ofClass('S').map(({ draft }) => draft));
        lose(
          'not-written',
          drafts.filter((draft) => !refused.has(draft)),
        );
      }
      awaited.forEach(({ fail }) => fail(cause));
      await writer.giveUp(cause);
    }
  }

  /** One group after another until nothing waits; the next begins when the last was synced. */
  async function drain(): Promise<void> {
    do {
      await writeGroup();
      if (isSyncDue && queue.isEmpty()) {
        isSyncDue = false;
        await writer.sync().catch((cause: unknown) => writer.giveUp(cause));
      }
    } while (!queue.isEmpty());
    // Here and not in a `finally` behind the promise: what is appended between the two would wait for nobody.
    flushing = undefined;
  }

  function flush(): Promise<void> {
    flushing ??= drain();
    return flushing;
  }

  function flushAndSync(): Promise<void> {
    isSyncDue = true;
    return flush();
  }

  function appendAwaited(event: AuditEvent, durability: 'S' | 'W'): Promise<void> {
    const started = clock.monotonicMs();
    const draft = draftOf(event);
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const settle = (outcome: 'written' | 'failed', conclude: () => void): void => {
        if (!isSettled) {
          isSettled = true;
          cancel();
          observer.appended?.(durability, outcome, clock.monotonicMs() - started);
          conclude();
        }
      };
      const fail = (cause: unknown): void => settle('failed', () => reject(unavailable(cause)));
      const waiting: Waiting = { draft, durability, done: () => settle('written', resolve), fail };
      const forget = (cause: LossCause): void => {
        if (durability === 'W') {
          lose(cause, [draft]);
        }
      };
      const cancel = clock.after(patienceMs, () => {
        if (queue.withdraw(waiting)) {
          forget('not-written');
        }
        fail(new Error(`not within ${patienceMs} ms`));
      });
      if (queue.wait(waiting)) {
        void flush();
      } else {
        forget('overflow');
        settle('failed', () => reject(overloaded()));
      }
    });
  }

  function append(event: AuditEvent): Promise<void> {
    const fitting = auditEvent.safeParse(event);
    if (!fitting.success) {
      const where = fitting.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
      return Promise.reject(new TypeError(`event ${event.event} does not fit its schema: ${where}`));
    }
    const durability = eventClass(event.event);
    if (durability === 'B') {
      buffer(draftOf(fitting.data));
      observer.appended?.('B', 'written', 0);
      return Promise.resolve();
    }
    if (state !== 'open') {
      observer.appended?.(durability, 'failed', 0);
      return Promise.reject(unavailable(new Error(`the log is ${state}`)));
    }
    return appendAwaited(fitting.data, durability);
  }

  /** The opening record comes first, whatever was buffered before. */
  async function start(): Promise<void> {
    try {
      await writer.write([draftOf(openedEvent(await writer.end()))]);
      await writer.sync();
    } catch (cause) {
      await writer.giveUp(cause);
      throw unavailable(cause);
    }
    state = 'open';
    stopTicking = every(clock, flushMs, () => void flushAndSync());
  }

  async function stop(): Promise<void> {
    stopTicking();
    if (state === 'open') {
      const closing = append({ event: 'audit.log.closed', outcome: 'info' });
      state = 'closed';
      await closing.catch((error: unknown) => logger.error({ [logKeys.error]: error }, 'audit log not closed'));
      await flushAndSync();
    }
    state = 'closed';
    await writer.close();
    ended.resolve({ by: 'stop' });
  }

  return {
    name: 'audit log',
    ended: ended.promise,
    append,
    appendForwarded({ id, seenAt, event }, sender) {
      buffer({ event, id, seenAt, time: clock.now(), program: 'sidecar', replica: sender });
    },
    start,
    stop,
  };
}

function openedEvent({ nextSeq, prev }: ChainHead): AuditEvent {
  const recovered = nextSeq > 0;
  return {
    event: 'audit.log.opened',
    outcome: 'info',
    recovered,
    lastSeq: recovered ? nextSeq - 1 : null,
    lastDigest: recovered ? prev : null,
  };
}

const unavailable = (cause: unknown): AuditFailure =>
  new AuditFailure('audit-unavailable', 'the audit log could not be written', { cause, isRetryable: true });

const overloaded = (): AuditFailure =>
  new AuditFailure('overloaded', 'too many audit records wait to be written', { isRetryable: true });
