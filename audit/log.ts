import { z } from 'zod';
import { type Cancel, type Clock, every } from '../runtime/clock.ts';
import type { Deadline } from '../runtime/deadline.ts';
import { logKeys } from '../runtime/log-keys.ts';
import type { Logger } from '../runtime/logger.ts';
import type { RandomBytes } from '../runtime/random.ts';
import type { Ended, Service } from '../runtime/service.ts';
import { type ChainHead, emptyChain, lineDigest, linked } from './chain.ts';
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
import { type Draft, type LogIdentity, recordLine } from './record.ts';
import type { Segments } from './segments/segments.ts';
import { ulid } from './ulid.ts';

/**
 * One program's tamper-evident log.
 *
 * `append` resolves when the event is as durable as its class asks: S after a sync, W after a write, B at once. It rejects with `AuditFailure` when that
 * cannot be had within 1 s (`audit-unavailable`) or 1,000 already wait (`overloaded`): whoever was about to grant something must not. An event that
 * does not fit its schema is a programmer's mistake: `TypeError`.
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

const limits = { group: 256, waiting: 1_000, buffered: 10_000, patienceMs: 1_000, flushMs: 1_000 } as const;

interface Waiting {
  readonly draft: Draft;
  readonly durability: 'S' | 'W';
  readonly done: () => void;
  readonly fail: (cause: unknown) => void;
}

const lastRecord = z.object({ seq: z.int() });

export function createAuditLog(options: AuditLogOptions): AuditLog {
  const { program, replica, segments, clock, random, logger, observer = {} } = options;
  const identity: LogIdentity = {
    log: `${program}/${replica.podUid}`,
    cluster: options.cluster,
    trustDomain: options.trustDomain,
  };
  const ended = Promise.withResolvers<Ended>();
  const waiting: Waiting[] = [];
  const buffered: Draft[] = [];
  let head: ChainHead | undefined;
  let lost: { count: number; from: Date } | undefined;
  let flushing: Promise<void> | undefined;
  let stopFlushing: Cancel = () => undefined;

  const draftOf = (event: AuditEvent): Draft => ({
    event,
    id: ulid(clock.now(), random),
    time: clock.now(),
    program,
    replica,
  });

  function buffer(draft: Draft): void {
    buffered.push(draft);
    if (buffered.length > limits.buffered) {
      buffered.shift();
      lost = { count: (lost?.count ?? 0) + 1, from: lost?.from ?? draft.time };
    }
  }

  /** Opens the segments and finds the end of the chain; also after a failed write, which may have torn a line. */
  async function openChain(): Promise<ChainHead> {
    const { lastLine, torn } = await segments.open();
    const last = lastLine === undefined ? undefined : lastRecord.parse(JSON.parse(lastLine));
    const end: ChainHead =
      last === undefined || lastLine === undefined ? emptyChain : { nextSeq: last.seq + 1, prev: lineDigest(lastLine) };
    if (torn) {
      logger.warn({ seq: end.nextSeq }, 'torn audit record cut away');
    }
    return end;
  }

  /** Takes the next group: the oldest that wait, the loss notice, and what is buffered. */
  function nextGroup(): { readonly awaited: Waiting[]; readonly drafts: Draft[] } {
    const awaited = waiting.splice(0, limits.group);
    const notice =
      lost === undefined
        ? []
        : [
            draftOf({
              event: 'audit.events.lost',
              outcome: 'info',
              count: lost.count,
              from: lost.from.toISOString(),
              cause: 'overflow',
            }),
          ];
    observer.lost?.(lost?.count ?? 0);
    lost = undefined;
    return {
      awaited,
      drafts: [...notice, ...buffered.splice(0, limits.buffered), ...awaited.map(({ draft }) => draft)],
    };
  }

  async function writeGroup(): Promise<void> {
    const { awaited, drafts } = nextGroup();
    try {
      let end = head ?? (await openChain());
      const firstSeq = end.nextSeq;
      const lines = drafts.map((draft) => {
        const line = recordLine(draft, end, identity, () => observer.redacted?.());
        end = linked(end, line);
        return line;
      });
      await segments.write(lines, firstSeq);
      head = end;
      lines.forEach((line) => options.writeLine?.(line));
      finish(awaited, 'W');
      if (awaited.some(({ durability }) => durability === 'S')) {
        await segments.sync();
      }
      finish(awaited, 'S');
    } catch (cause) {
      head = undefined;
      await segments.close().catch(() => undefined);
      logger.error({ [logKeys.error]: cause, records: drafts.length }, 'audit records not written');
      awaited.forEach(({ fail }) => fail(cause));
      const notAwaited = drafts.length - awaited.length;
      lost = notAwaited === 0 ? lost : { count: (lost?.count ?? 0) + notAwaited, from: lost?.from ?? clock.now() };
    }
  }

  const finish = (awaited: readonly Waiting[], durability: 'S' | 'W'): void =>
    awaited.filter((one) => one.durability === durability).forEach(({ done }) => done());

  /** One group after another until nothing waits; the next begins when the last was synced. */
  function flush(): Promise<void> {
    flushing ??= (async () => {
      while (waiting.length > 0 || buffered.length > 0) {
        await writeGroup();
      }
    })().finally(() => {
      flushing = undefined;
    });
    return flushing;
  }

  function appendAwaited(event: AuditEvent, durability: 'S' | 'W'): Promise<void> {
    if (waiting.length >= limits.waiting) {
      return Promise.reject(
        new AuditFailure('overloaded', 'too many audit records wait to be written', { isRetryable: true }),
      );
    }
    const started = clock.monotonicMs();
    return new Promise((resolve, reject) => {
      const settle = (outcome: 'written' | 'failed', conclude: () => void) => (): void => {
        cancel();
        observer.appended?.(durability, outcome, clock.monotonicMs() - started);
        conclude();
      };
      const refuse = (cause: unknown): void =>
        settle('failed', () =>
          reject(
            new AuditFailure('audit-unavailable', 'the audit log could not be written', { cause, isRetryable: true }),
          ),
        )();
      const cancel = clock.after(limits.patienceMs, () => refuse(new Error(`not within ${limits.patienceMs} ms`)));
      waiting.push({ draft: draftOf(event), durability, done: settle('written', resolve), fail: refuse });
      void flush();
    });
  }

  function append(event: AuditEvent): Promise<void> {
    const fitting = auditEvent.safeParse(event);
    if (!fitting.success) {
      const where = fitting.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
      return Promise.reject(new TypeError(`event ${event.event} does not fit its schema: ${where}`));
    }
    const durability = eventClass(event.event);
    if (durability !== 'B') {
      return appendAwaited(fitting.data, durability);
    }
    buffer(draftOf(fitting.data));
    observer.appended?.('B', 'written', 0);
    return Promise.resolve();
  }

  return {
    name: 'audit log',
    ended: ended.promise,
    append,
    appendForwarded({ id, seenAt, event }, sender) {
      buffer({ event, id, seenAt, time: clock.now(), program: 'sidecar', replica: sender });
    },
    async start() {
      head = await openChain();
      const recovered = head.nextSeq > 0;
      await append({
        event: 'audit.log.opened',
        outcome: 'info',
        recovered,
        lastSeq: recovered ? head.nextSeq - 1 : null,
        lastDigest: recovered ? head.prev : null,
      });
      stopFlushing = every(clock, limits.flushMs, () => void flush());
    },
    async stop(_deadline: Deadline) {
      stopFlushing();
      await append({ event: 'audit.log.closed', outcome: 'info' }).catch((error: unknown) =>
        logger.error({ [logKeys.error]: error }, 'audit log not closed'),
      );
      await flush();
      await segments.close();
      ended.resolve({ by: 'stop' });
    },
  };
}
