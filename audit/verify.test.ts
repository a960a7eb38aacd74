import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { auditLogUnderTest, durableEvent, writtenEvent } from '../test/builders/audit.ts';
import { canonicalJson } from './canonical-json.ts';
import { lineDigest } from './chain.ts';
import { type AuditFindingKind, type PublishedRecord, verifyChain } from './verify.ts';

let lines: readonly string[] = [];
let published: readonly PublishedRecord[] = [];

beforeAll(async () => {
  const { log, printed, clock } = auditLogUnderTest();
  await log.start(new AbortController().signal);
  for (let index = 0; index < 18; index += 1) {
    await clock.advance(7);
    await log.append(index % 3 === 0 ? durableEvent(`Ünïcode ${index}`) : writtenEvent(`ns/${index}`));
  }
  await log.stop({ remainingMs: () => 1_000 });
  lines = printed;
  published = [{ seq: 19, digest: lineDigest(lines.at(-1) ?? '') }];
});

const kinds = (changed: readonly string[], known: readonly PublishedRecord[] = []): readonly AuditFindingKind[] =>
  verifyChain(changed, known).map(({ kind }) => kind);

/** The lines with `members` of one record replaced, in canonical form again. */
const edited = (index: number, members: object): string[] =>
  lines.map((line, at) => {
    const record: unknown = JSON.parse(line);
    return at === index && typeof record === 'object' ? canonicalJson({ ...record, ...members }) : line;
  });

describe('verifyChain', () => {
  it('finds nothing in an untouched log of twenty records', () => {
    expect(lines).toHaveLength(20);
    expect(verifyChain(lines)).toEqual([]);
    expect(verifyChain(lines, published)).toEqual([]);
  });

  it('agrees with plain SHA-256 of a line being the next one’s prev', () => {
    const digest = createHash('sha256')
      .update(lines[6] ?? '')
      .digest('hex');
    expect(lines[7]).toContain(`"prev":"${digest}"`);
  });

  it.each(Array.from({ length: 20 }, (_, index) => index))(
    'detects every change of a single byte of record %i',
    (index) => {
      const line = Buffer.from(lines[index] ?? '');
      // The neighbours suffice: what is found between them is found in the whole log too.
      const [before, after] = [lines.slice(Math.max(0, index - 1), index), lines.slice(index + 1, index + 2)];
      const known = index === 19 ? published : [];
      const unseen = Array.from(line, (_, at) => at).filter((at) => {
        const changed = Buffer.from(line);
        changed[at] = (line[at] ?? 0) ^ (1 + (at % 255));
        return verifyChain([...before, ...changed.toString('utf8').split('\n'), ...after], known).length === 0;
      });
      expect(unseen).toEqual([]);
    },
  );

  it('detects a line end that became another byte', () => {
    for (let index = 1; index < lines.length; index += 1) {
      const joined = `${lines[index - 1]}\u000b${lines[index]}`;
      expect(kinds(lines.toSpliced(index - 1, 2, joined))).toContain('malformed');
    }
  });

  it('calls a record that was rewritten in canonical form changed, at the record behind it', () => {
    expect(verifyChain(edited(8, { requested: 'ns/innocent' }))).toEqual([
      { kind: 'changed', line: 10, seq: 9, detail: 'does not follow from the record before' },
    ]);
  });

  it('sees that the last record was rewritten only by what was published', () => {
    const changed = edited(19, { outcome: 'failed' });
    expect(kinds(changed)).toEqual([]);
    expect(kinds(changed, published)).toEqual(['fork']);
  });

  it.each(Array.from({ length: 19 }, (_, index) => index))('finds record %i missing', (index) => {
    const changed = lines.toSpliced(index, 1);
    // A log may begin later, when its first segments were taken away in order.
    expect(kinds(changed)).toEqual(index === 0 ? [] : ['missing']);
  });

  it('finds a cut tail by what was published', () => {
    expect(kinds(lines.slice(0, 15))).toEqual([]);
    expect(kinds(lines.slice(0, 15), published)).toEqual(['truncated']);
  });

  it('finds one displaced record twice at most: where it lacks and where it stands', () => {
    const moved = lines.toSpliced(5, 1).toSpliced(12, 0, lines[5] ?? '');
    expect(kinds(moved)).toEqual(['missing', 'reordered']);
    const swapped = lines.with(4, lines[5] ?? '').with(5, lines[4] ?? '');
    expect(kinds(swapped)).toEqual(['missing', 'reordered']);
  });

  it('finds a record that stands twice', () => {
    expect(kinds(lines.toSpliced(9, 0, lines[8] ?? ''))).toEqual(['duplicate']);
    expect(kinds(lines.toSpliced(15, 0, lines[3] ?? ''))).toEqual(['duplicate']);
  });

  it('finds an invented record beside the true one', () => {
    const invented = edited(8, { requested: 'ns/invented' })[8] ?? '';
    expect(kinds(lines.toSpliced(9, 0, invented))).toEqual(['fork']);
  });

  it('finds an invented record behind the last one when more was published', () => {
    const invented = canonicalJson({ ...JSON.parse(lines[19] ?? ''), seq: 20, prev: 'f'.repeat(64) });
    expect(kinds([...lines, invented])).toEqual(['changed']);
  });

  it('finds a record of another log', () => {
    const foreign = edited(4, { log: 'webhook/uid-9' })[4] ?? '';
    expect(kinds(lines.toSpliced(4, 0, foreign))).toEqual(['foreign']);
  });

  it('finds a time that went backwards by more than 5 s, and tolerates less', () => {
    expect(kinds(edited(19, { time: '2025-12-31T23:59:56.000000Z' }))).toEqual([]);
    expect(kinds(edited(19, { time: '2025-12-31T23:59:54.000000Z' }))).toEqual(['time-backwards']);
  });

  it('finds a record that is not in canonical form', () => {
    const spaced = lines.with(19, (lines[19] ?? '').replace('{', '{ '));
    expect(kinds(spaced)).toEqual(['not-canonical']);
    const twice = lines.with(19, (lines[19] ?? '').replace('{', '{"event":"identity.denied",'));
    expect(kinds(twice)).toEqual(['not-canonical']);
  });

  const malformed: readonly (readonly [what: string, line: string])[] = [
    ['no JSON', '{"seq":'],
    ['an empty line', ''],
    ['JSON that is no record', '[]'],
    ['a line longer than a record', JSON.stringify({ padding: 'x'.repeat(16_001) })],
  ];
  it.each(malformed)('finds %s', (_what, line) => {
    expect(kinds(lines.with(19, line))).toEqual(['malformed']);
  });

  it('finds a record without one of the common fields', () => {
    for (const name of ['kind', 'id', 'time', 'log', 'seq', 'prev', 'version', 'program', 'replica', 'event']) {
      expect([name, ...kinds(edited(19, { [name]: undefined }))]).toEqual([name, 'malformed']);
    }
  });
});
