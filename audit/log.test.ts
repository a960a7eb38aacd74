import { describe, expect, it } from 'vitest';
import {
  auditLogUnderTest,
  bufferedEvent,
  durableEvent,
  type LogUnderTest,
  testReplica,
  writtenEvent,
} from '../test/builders/audit.ts';
import type { AuditEvent } from './event.ts';
import { AuditFailure } from './failures.ts';
import type { AuditObserver } from './log.ts';
import { memorySegments } from './segments/memory-segments.ts';
import type { Segments } from './segments/segments.ts';
import { verifyChain } from './verify.ts';

const signal = new AbortController().signal;
const soon = { remainingMs: () => 1_000 };

interface ReadRecord {
  readonly event: string;
  readonly name?: string;
  readonly requested?: string;
  readonly destination?: string;
  readonly count?: number;
  readonly cause?: string;
}

const isRecord = (value: unknown): value is ReadRecord =>
  typeof value === 'object' && value !== null && 'event' in value;

function recordOf(line: string): ReadRecord {
  const value: unknown = JSON.parse(line);
  if (!isRecord(value)) {
    throw new TypeError('no record');
  }
  return value;
}

/** Each record by what tells it apart, without the opening one. */
const labels = (lines: readonly string[]): string[] =>
  lines
    .map(recordOf)
    .map(({ event, name, requested, destination, count, cause }) =>
      event === 'audit.events.lost' ? `lost ${count} by ${cause}` : (name ?? requested ?? destination ?? event),
    )
    .filter((label) => label !== 'audit.log.opened');

/** Segments whose writes and syncs wait until they are let go, and may be told to fail. */
function heldSegments() {
  const inner = memorySegments();
  const held: PromiseWithResolvers<void>[] = [];
  let isHolding = false;
  const pass = async (): Promise<void> => {
    if (isHolding) {
      const gate = Promise.withResolvers<void>();
      held.push(gate);
      await gate.promise;
    }
  };
  const calls: string[] = [];
  const segments: Segments = {
    ...inner,
    async write(lines, firstSeq) {
      calls.push(`write ${lines.length}`);
      await pass();
      await inner.write(lines, firstSeq);
    },
    async sync() {
      calls.push('sync');
      await pass();
      await inner.sync();
    },
  };
  return {
    segments,
    inner,
    calls,
    hold: () => {
      isHolding = true;
    },
    letGo: () => {
      isHolding = false;
      held.splice(0).forEach((gate) => gate.resolve());
    },
    /** Lets the one that waits longest through, or fails it. */
    step: (error?: Error) => (error === undefined ? held.shift()?.resolve() : held.shift()?.reject(error)),
  };
}

async function started(options: Parameters<typeof auditLogUnderTest>[0] = {}): Promise<LogUnderTest> {
  const town = auditLogUnderTest(options);
  await town.log.start(signal);
  return town;
}

/** What became of an append so far: `pending`, `done` or the code it was refused with. */
function followed(promise: Promise<void>): { state: string } {
  const seen = { state: 'pending' };
  promise.then(
    () => (seen.state = 'done'),
    (error: unknown) => (seen.state = error instanceof AuditFailure ? error.code : 'rejected'),
  );
  return seen;
}

describe('createAuditLog', () => {
  it('opens with a record of its own and closes with one, in one chain', async () => {
    const { log, printed } = await started();
    await log.append(durableEvent('a'));
    await log.stop(soon);
    expect(printed.map(recordOf).map(({ event }) => event)).toEqual([
      'audit.log.opened',
      'config.changed',
      'audit.log.closed',
    ]);
    expect(verifyChain(printed)).toEqual([]);
    await expect(log.ended).resolves.toEqual({ by: 'stop' });
  });

  it('stamps who saw an event, when, and its place', async () => {
    const { log, printed, clock } = await started();
    await clock.advance(1_234);
    await log.append({ ...durableEvent('a'), principal: { kind: 'program', program: 'authority' } });
    expect(JSON.parse(printed[1] ?? '')).toMatchObject({
      kind: 'audit',
      event: 'config.changed',
      time: '2026-01-01T00:00:01.234000Z',
      log: 'authority/uid-0',
      seq: 1,
      version: 1,
      program: 'authority',
      replica: testReplica,
      cluster: 'default',
      trustDomain: 'prod.example',
      principal: { kind: 'program', program: 'authority' },
    });
  });

  it('prints each record as the very line that was written', async () => {
    const segments = memorySegments();
    const { log, printed, clock } = await started({ segments });
    await log.append(durableEvent('ünïcode'));
    await log.append(bufferedEvent('b'));
    await clock.advance(1_000);
    expect(printed).toEqual(segments.lines);
    expect(printed).toHaveLength(3);
  });

  it('resolves an event of class S only after the sync, one of class W after the write', async () => {
    const { segments, hold, step } = heldSegments();
    const { log, clock, printed } = await started({ segments });
    hold();
    const durable = followed(log.append(durableEvent('s')));
    const written = followed(log.append(writtenEvent('w')));
    await clock.advance(0);
    expect([durable.state, written.state]).toEqual(['pending', 'pending']);
    step();
    await clock.advance(0);
    // The first group held S alone, which is written and not yet synced; W waits for the next.
    expect(labels(printed)).toEqual(['s']);
    expect([durable.state, written.state]).toEqual(['pending', 'pending']);
    step();
    await clock.advance(0);
    expect([durable.state, written.state]).toEqual(['done', 'pending']);
    step();
    await clock.advance(0);
    expect([durable.state, written.state]).toEqual(['done', 'done']);
  });

  it('writes and syncs in one go what came while the last group was synced', async () => {
    const { segments, calls, hold, letGo } = heldSegments();
    const { log } = await started({ segments });
    calls.splice(0);
    hold();
    const appends = Array.from({ length: 300 }, (_, index) => log.append(durableEvent(String(index))));
    letGo();
    await Promise.all(appends);
    expect(calls).toEqual(['write 1', 'sync', 'write 256', 'sync', 'write 43', 'sync']);
  });

  it('resolves an event of class B at once and writes and syncs it within a second', async () => {
    const { segments, calls } = heldSegments();
    const { log, clock, printed } = await started({ segments });
    calls.splice(0);
    await log.append(bufferedEvent('b'));
    await clock.advance(999);
    expect(labels(printed)).toEqual([]);
    await clock.advance(1);
    expect(labels(printed)).toEqual(['b']);
    expect(calls).toEqual(['write 1', 'sync']);
  });

  it('syncs what was only written within a second, once', async () => {
    const { segments, calls } = heldSegments();
    const { log, clock } = await started({ segments });
    calls.splice(0);
    await log.append(writtenEvent('w'));
    await clock.advance(0);
    expect(calls).toEqual(['write 1']);
    await clock.advance(3_000);
    expect(calls).toEqual(['write 1', 'sync']);
  });

  it('keeps the order of appending, whatever the class', async () => {
    const { log, printed } = await started();
    const appends: Promise<void>[] = [];
    const expected: string[] = [];
    for (let index = 0; index < 400; index += 1) {
      const name = String(index).padStart(3, '0');
      expected.push(name);
      appends.push(log.append([durableEvent, writtenEvent, bufferedEvent][index % 3]?.(name) ?? durableEvent(name)));
    }
    await Promise.all(appends);
    await log.stop(soon);
    expect(labels(printed)).toEqual([...expected, 'audit.log.closed']);
    expect(verifyChain(printed)).toEqual([]);
  });

  it('writes at once what is appended at the very end of a flush', async () => {
    const { log, clock } = await started();
    for (let turns = 0; turns < 12; turns += 1) {
      await log.append(durableEvent('first'));
      for (let turn = 0; turn < turns; turn += 1) {
        await Promise.resolve();
      }
      const next = followed(log.append(durableEvent(`${turns} turns later`)));
      await clock.advance(0);
      expect([turns, next.state]).toEqual([turns, 'done']);
    }
  });

  it('writes the opening record first, also when something was buffered before', async () => {
    const { log, printed, clock } = auditLogUnderTest();
    await log.append(bufferedEvent('early'));
    await log.start(signal);
    await clock.advance(1_000);
    expect(printed.map(recordOf).map(({ event }) => event)).toEqual(['audit.log.opened', 'access.denied']);
  });

  it('refuses what cannot be written within a second, and never writes it later', async () => {
    const { segments, hold, letGo } = heldSegments();
    const outcomes: string[] = [];
    const observer: AuditObserver = { appended: (_class, outcome) => void outcomes.push(outcome) };
    const { log, clock, printed } = await started({ segments, observer });
    hold();
    const first = followed(log.append(durableEvent('in flight')));
    const second = followed(log.append(durableEvent('waiting')));
    await clock.advance(999);
    expect(second.state).toBe('pending');
    await clock.advance(1);
    expect(first.state).toBe('audit-unavailable');
    expect(second.state).toBe('audit-unavailable');
    letGo();
    await clock.advance(1_000);
    expect(labels(printed)).toEqual(['in flight']);
    expect(outcomes).toEqual(['failed', 'failed']);
    await log.append(durableEvent('after'));
    expect(labels(printed)).toEqual(['in flight', 'after']);
    expect(verifyChain(printed)).toEqual([]);
  });

  it('counts a decision that could not be written in time as lost', async () => {
    const { segments, hold, letGo } = heldSegments();
    const { log, clock, printed } = await started({ segments });
    hold();
    const first = followed(log.append(durableEvent('in flight')));
    const decision = followed(log.append(writtenEvent('decision')));
    await clock.advance(1_000);
    expect(first.state).toBe('audit-unavailable');
    expect(decision.state).toBe('audit-unavailable');
    letGo();
    await clock.advance(1_000);
    expect(labels(printed)).toEqual(['in flight', 'lost 1 by not-written']);
  });

  it('refuses at once when a thousand wait already', async () => {
    const { segments, hold, letGo } = heldSegments();
    const { log, clock } = await started({ segments });
    hold();
    const appends = Array.from({ length: 1_002 }, (_, index) => followed(log.append(durableEvent(String(index)))));
    await clock.advance(0);
    // One is being written, a thousand wait.
    expect(appends.filter(({ state }) => state === 'pending')).toHaveLength(1_001);
    expect(appends.at(-1)?.state).toBe('overloaded');
    letGo();
    await clock.advance(0);
    expect(appends.filter(({ state }) => state === 'done')).toHaveLength(1_001);
  });

  it('refuses before it is started and after it was stopped', async () => {
    const lost: number[] = [];
    const { log, clock, printed } = auditLogUnderTest({ observer: { lost: (count) => void lost.push(count) } });
    await expect(log.append(durableEvent('early'))).rejects.toMatchObject({ code: 'audit-unavailable' });
    await log.start(signal);
    await log.stop(soon);
    await expect(log.append(durableEvent('late'))).rejects.toMatchObject({ code: 'audit-unavailable' });
    await log.append(bufferedEvent('late'));
    await clock.advance(2_000);
    expect(labels(printed)).toEqual(['audit.log.closed']);
    expect(lost).toEqual([1]);
  });

  it('does not start when its segments cannot be written', async () => {
    const segments = memorySegments();
    segments.failWith(new Error('read-only'));
    const { log } = auditLogUnderTest({ segments });
    await expect(log.start(signal)).rejects.toMatchObject({
      code: 'audit-unavailable',
      cause: { message: 'read-only' },
    });
    await log.stop(soon);
    expect(segments.lines).toEqual([]);
  });

  it('refuses while its segments fail, then goes on in the same chain and says what is missing', async () => {
    const segments = memorySegments();
    const lost: number[] = [];
    const { log, clock, printed } = await started({ segments, observer: { lost: (count) => lost.push(count) } });
    await log.append(durableEvent('before'));
    segments.failWith(new Error('disk full'));
    await expect(log.append(durableEvent('granting'))).rejects.toMatchObject({ code: 'audit-unavailable' });
    await expect(log.append(writtenEvent('decision'))).rejects.toMatchObject({ code: 'audit-unavailable' });
    await log.append(bufferedEvent('seen'));
    await clock.advance(5_000);
    segments.failWith(undefined);
    await clock.advance(1_000);
    await log.append(durableEvent('after'));
    // The grant was refused and so is not missing; the decision and what was seen are.
    expect(labels(printed)).toEqual(['before', 'lost 2 by not-written', 'after']);
    expect(lost.reduce((sum, count) => sum + count, 0)).toBe(2);
    expect(verifyChain(printed).map(({ kind }) => kind)).toEqual(['lost']);
    expect(printed).toEqual(segments.lines);
  });

  it('finds the end of the chain anew after a write that got half its lines out', async () => {
    const inner = memorySegments();
    let isFailing = false;
    const segments: Segments = {
      ...inner,
      async write(lines, firstSeq) {
        await inner.write(isFailing ? lines.slice(0, 1) : lines, firstSeq);
        if (isFailing) {
          throw new Error('no space left on device');
        }
      },
    };
    const { log, clock } = await started({ segments });
    isFailing = true;
    void log.append(bufferedEvent('got out'));
    void log.append(bufferedEvent('lost'));
    await clock.advance(1_000);
    isFailing = false;
    await log.append(durableEvent('after'));
    // What got out is counted as lost too: too much is said, never too little.
    expect(labels(inner.lines)).toEqual(['got out', 'lost 2 by not-written', 'after']);
    expect(verifyChain(inner.lines).map(({ kind }) => kind)).toEqual(['lost']);
  });

  it('refuses a grant whose sync failed, loses nothing that was written, and goes on', async () => {
    const { segments, inner, hold, step, letGo } = heldSegments();
    const outcomes: string[] = [];
    const observer: AuditObserver = { appended: (eventClass, outcome) => outcomes.push(`${eventClass} ${outcome}`) };
    const { log, clock } = await started({ segments, observer });
    await log.append(bufferedEvent('seen'));
    hold();
    const grant = followed(log.append(durableEvent('grant')));
    await clock.advance(0);
    step();
    await clock.advance(0);
    step(new Error('I/O error'));
    await clock.advance(0);
    expect(grant.state).toBe('audit-unavailable');
    letGo();
    await log.append(durableEvent('after'));
    expect(labels(inner.lines)).toEqual(['seen', 'grant', 'after']);
    expect(verifyChain(inner.lines)).toEqual([]);
    expect(outcomes).toEqual(['B written', 'S failed', 'S written']);
  });

  it('forgets the oldest buffered events beyond 10,000 and says how many', async () => {
    const lost: number[] = [];
    const { log, clock, printed } = await started({ observer: { lost: (count) => lost.push(count) } });
    for (let index = 0; index < 10_003; index += 1) {
      void log.append(bufferedEvent(String(index)));
      // The first three, which will have to go, came 100 ms apart.
      await (index < 3 ? clock.advance(100) : undefined);
    }
    await clock.advance(1_000);
    const written = labels(printed);
    expect(written[0]).toBe('lost 3 by overflow');
    expect(JSON.parse(printed[1] ?? '')).toMatchObject({
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-01-01T00:00:00.200Z',
    });
    expect(written[1]).toBe('3');
    expect(written.at(-1)).toBe('10002');
    expect(written).toHaveLength(10_001);
    expect(lost).toEqual([1, 1, 1]);
    await clock.advance(2_000);
    expect(printed).toHaveLength(10_002);
  });

  it('replaces what looks like a credential, in file and output alike, and counts it', async () => {
    let redactions = 0;
    const { log, printed } = await started({ observer: { redacted: () => (redactions += 1) } });
    const token = `eyJhbGciOiJub25lIn0.${Buffer.from('{"sub":"me"}').toString('base64url')}.c2ln`;
    await log.append(writtenEvent(`x ${token}`));
    expect(printed[1]).toContain('"requested":"[redacted]"');
    expect(printed.join('')).not.toContain('eyJ');
    expect(redactions).toBe(1);
  });

  it('refuses an event that does not fit its schema as a mistake of ours', async () => {
    const { log, printed } = await started();
    const extra = { ...durableEvent('a'), token: 'x' };
    await expect(log.append(extra)).rejects.toThrow(TypeError);
    const wrong: AuditEvent = {
      event: 'config.changed',
      outcome: 'info',
      resourceKind: 'a',
      name: 'a',
      newDigest: 'NOT HEX',
    };
    await expect(log.append(wrong)).rejects.toThrow(TypeError);
    expect(printed).toHaveLength(1);
  });

  it('writes an event whose texts no record could hold: half a surrogate pair, endless names', async () => {
    const { log, printed } = await started();
    await log.append(writtenEvent('\ud800 half'));
    await log.append(writtenEvent('x'.repeat(100_000)));
    expect(JSON.parse(printed[1] ?? '')).toMatchObject({ requested: '\ufffd half' });
    expect((printed[2] ?? '').length).toBeLessThan(2_000);
    expect(verifyChain(printed)).toEqual([]);
  });

  it('takes in what a sidecar saw, as seen by the sender we authenticated', async () => {
    const { log, clock, printed } = await started();
    await clock.advance(500);
    const sender = { pod: 'web-1', podUid: 'uid-1', node: 'node-2', version: '0.1.0' };
    const id = '01HZZZZZZZZZZZZZZZZZZZZZZZ';
    log.appendForwarded({ id, seenAt: '2026-01-01T00:00:00.100Z', event: bufferedEvent('b') }, sender);
    await clock.advance(500);
    expect(JSON.parse(printed[1] ?? '')).toMatchObject({
      id,
      program: 'sidecar',
      replica: sender,
      log: 'authority/uid-0',
      time: '2026-01-01T00:00:00.500000Z',
      seenAt: '2026-01-01T00:00:00.100Z',
    });
  });

  it('tells how long an append took', async () => {
    const seen: string[] = [];
    const { segments, hold, letGo } = heldSegments();
    const observer: AuditObserver = {
      appended: (eventClass, outcome, durationMs) => seen.push(`${eventClass} ${outcome} ${durationMs}`),
    };
    const { log, clock } = await started({ segments, observer });
    hold();
    const durable = log.append(durableEvent('s'));
    await clock.advance(40);
    letGo();
    await durable;
    expect(seen).toEqual(['S written 40']);
  });

  it('has everything written when it has stopped, what was buffered among it', async () => {
    const segments = memorySegments();
    const { log, printed } = await started({ segments });
    await log.append(bufferedEvent('b'));
    await log.stop(soon);
    expect(labels(printed)).toEqual(['b', 'audit.log.closed']);
    expect(segments.syncedCount()).toBe(3);
  });
});
