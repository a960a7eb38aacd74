import { describe, expect, it } from 'vitest';
import { systemRandom } from '../runtime/random.ts';
import { bufferedEvent } from '../test/builders/audit.ts';
import { type ManualClock, manualClock } from '../test/builders/manual-clock.ts';
import { type AuditEvent, type ForwardedEvent, forwardedEvent } from './event.ts';
import { createEventBuffer, type EventBuffer, type EventBufferOptions } from './event-buffer.ts';

interface Town {
  readonly buffer: EventBuffer;
  readonly clock: ManualClock;
  /** Every batch that was tried, by what tells its events apart. */
  readonly tried: string[][];
  /** The events of the batches that were taken, in order. */
  readonly taken: string[];
  readonly printed: string[];
  readonly lost: number[];
  readonly authority: { isAway: boolean; hold?: Promise<void> };
}

const label = (event: AuditEvent): string =>
  event.event === 'access.denied'
    ? (event.destination ?? '')
    : event.event === 'audit.events.lost'
      ? `lost ${event.count} by ${event.cause}`
      : event.event;

function town(rest: Partial<EventBufferOptions> = {}): Town {
  const clock = manualClock();
  const tried: string[][] = [];
  const taken: string[] = [];
  const printed: string[] = [];
  const lost: number[] = [];
  const authority: Town['authority'] = { isAway: false };
  const send = async (events: readonly ForwardedEvent[]): Promise<void> => {
    const labels = events.map(({ event }) => label(event));
    tried.push(labels);
    await authority.hold;
    if (authority.isAway) {
      throw new Error('away');
    }
    taken.push(...labels);
  };
  const buffer = createEventBuffer({
    send,
    writeLine: (line) => void printed.push(line),
    clock,
    random: systemRandom,
    observer: { lost: (count) => void lost.push(count) },
    ...rest,
  });
  return { buffer, clock, tried, taken, printed, lost, authority };
}

const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `e${from + index}`);
const appendAll = ({ buffer }: Town, from: number, to: number): void =>
  names(from, to).forEach((name) => buffer.append(bufferedEvent(name)));
const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

describe('createEventBuffer', () => {
  it('sends after a second what came, in one batch', async () => {
    const all = town();
    appendAll(all, 0, 3);
    await all.clock.advance(999);
    expect(all.tried).toEqual([]);
    await all.clock.advance(1);
    expect(all.tried).toEqual([names(0, 3)]);
    await all.clock.advance(5_000);
    expect(all.tried).toHaveLength(1);
  });

  it('sends 64 events without waiting, the 65th with the next batch', async () => {
    const all = town();
    appendAll(all, 0, 65);
    await all.clock.advance(0);
    expect(all.tried.map(({ length }) => length)).toEqual([64, 1]);
    expect(all.taken).toEqual(names(0, 65));
  });

  it('prints every event at once, as canonical JSON, whether or not it is sent', () => {
    const all = town();
    all.authority.isAway = true;
    appendAll(all, 0, 2);
    expect(all.printed).toHaveLength(2);
    expect(all.printed[0]).toMatch(
      /^\{"destination":"e0","direction":"inbound","event":"access\.denied","id":"[0-9A-Z]{26}","kind":"audit","outcome":"refused","program":"sidecar",/,
    );
    expect(JSON.parse(all.printed[0] ?? '')).toMatchObject({ time: '2026-01-01T00:00:00.000Z' });
  });

  it('sends what the authority reads back', async () => {
    const sent: ForwardedEvent[] = [];
    const all = town({ send: (events) => Promise.resolve(void sent.push(...events)) });
    await all.clock.advance(250);
    all.buffer.append(bufferedEvent('e0'));
    await all.buffer.flush();
    expect(forwardedEvent.parse(JSON.parse(JSON.stringify(sent[0])))).toEqual(sent[0]);
    expect(sent[0]?.seenAt).toBe('2026-01-01T00:00:00.250Z');
    expect(all.printed[0]).toContain(`"id":"${sent[0]?.id}"`);
  });

  it('keeps what was not taken, tries again once a second, and loses and reorders nothing', async () => {
    const all = town();
    all.authority.isAway = true;
    appendAll(all, 0, 100);
    await all.clock.advance(0);
    appendAll(all, 100, 200);
    await all.clock.advance(3_000);
    // One try for the first 64 events, then one per second, however many events come.
    expect(all.tried).toHaveLength(4);
    all.authority.isAway = false;
    await all.clock.advance(1_000);
    expect(all.taken).toEqual(names(0, 200));
    expect(all.lost).toEqual([]);
  });

  it('sends at 64 events again after the authority came back', async () => {
    const all = town();
    all.authority.isAway = true;
    appendAll(all, 0, 64);
    await all.clock.advance(1_000);
    all.authority.isAway = false;
    await all.clock.advance(1_000);
    all.tried.splice(0);
    appendAll(all, 64, 128);
    await all.clock.advance(0);
    expect(all.tried).toEqual([names(64, 128)]);
  });

  it('keeps in order what comes while a batch is under way', async () => {
    const all = town();
    const gate = Promise.withResolvers<void>();
    all.authority.hold = gate.promise;
    appendAll(all, 0, 70);
    await all.clock.advance(2_000);
    appendAll(all, 70, 90);
    expect(all.tried).toHaveLength(1);
    gate.resolve();
    await all.clock.advance(0);
    expect(all.taken).toEqual(names(0, 90));
  });

  it('forgets the oldest beyond a thousand, and says how many at the head of the next batch that is taken', async () => {
    const all = town();
    all.authority.isAway = true;
    appendAll(all, 0, 1_010);
    await all.clock.advance(10_000);
    expect(sum(all.lost)).toBe(10);
    all.authority.isAway = false;
    await all.clock.advance(1_000);
    expect(all.taken).toEqual(['lost 10 by overflow', ...names(10, 1_010)]);
    expect(all.tried.every(({ length }) => length <= 64)).toBe(true);
    // Said once: also on stdout.
    expect(all.printed.filter((line) => line.includes('audit.events.lost'))).toHaveLength(1);
    await all.clock.advance(5_000);
    expect(all.taken).toHaveLength(1_001);
  });

  it('does not spend the ring on notices while the authority is away for long', async () => {
    const all = town();
    all.authority.isAway = true;
    appendAll(all, 0, 1_001);
    await all.clock.advance(600_000);
    expect(sum(all.lost)).toBe(1);
    all.authority.isAway = false;
    await all.clock.advance(1_000);
    expect(all.taken).toEqual(['lost 1 by overflow', ...names(1, 1_001)]);
  });

  it('counts every event exactly once, as taken or as lost', async () => {
    const all = town();
    for (let round = 0; round < 60; round += 1) {
      all.authority.isAway = round % 7 !== 6;
      appendAll(all, round * 150, (round + 1) * 150);
      await all.clock.advance(400);
    }
    all.authority.isAway = false;
    await all.clock.advance(1_000);
    const events = all.taken.filter((name) => name.startsWith('e'));
    const said = all.taken.flatMap((name) => /^lost (\d+)/.exec(name)?.[1] ?? []).map(Number);
    expect(new Set(events).size).toBe(events.length);
    expect(events.length + sum(all.lost)).toBe(60 * 150);
    expect(sum(said)).toBe(sum(all.lost));
    expect(events).toEqual(events.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1))));
  });

  it('resolves a flush when everything is sent, or when a batch was not taken', async () => {
    const all = town();
    appendAll(all, 0, 10);
    await all.buffer.flush();
    expect(all.taken).toEqual(names(0, 10));
    all.authority.isAway = true;
    appendAll(all, 10, 11);
    await all.buffer.flush();
    expect(all.tried).toHaveLength(2);
    await all.buffer.flush();
    expect(all.tried).toHaveLength(3);
  });

  it('replaces what looks like a credential, counts it, and survives half a surrogate pair', () => {
    let redactions = 0;
    const all = town({ observer: { redacted: () => (redactions += 1) } });
    all.buffer.append(bufferedEvent('-----BEGIN PRIVATE KEY-----'));
    all.buffer.append(bufferedEvent('\udc00'));
    expect(redactions).toBe(1);
    expect(all.printed.join('')).not.toContain('PRIVATE');
    expect(JSON.parse(all.printed[1] ?? '')).toMatchObject({ destination: '\ufffd' });
  });

  it('does nothing more by itself once it was stopped', async () => {
    const all = town();
    appendAll(all, 0, 1);
    all.buffer.stop();
    await all.clock.advance(5_000);
    expect(all.tried).toEqual([]);
    await all.buffer.flush();
    expect(all.taken).toEqual(['e0']);
  });
});
