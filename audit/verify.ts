import { z } from 'zod';
import { canonicalJson } from './canonical-json.ts';
import { genesis, lineDigest } from './chain.ts';
import { recordStamp } from './event.ts';
import { longestRecord } from './record.ts';

export type AuditFindingKind =
  | 'malformed'
  | 'not-canonical'
  | 'changed'
  | 'missing'
  | 'duplicate'
  | 'reordered'
  | 'foreign'
  | 'fork'
  | 'truncated'
  | 'time-backwards'
  | 'lost';

/** What is wrong with a log, and where. `line` counts from 1. */
export interface AuditFinding {
  readonly kind: AuditFindingKind;
  readonly line: number;
  readonly seq: number | undefined;
  readonly detail: string;
}

/** A record that somebody outside remembers: its number and the digest of its line. */
export interface PublishedRecord {
  readonly seq: number;
  readonly digest: string;
}

const link = z.looseObject({ ...recordStamp.shape, event: z.string() });
type Link = z.infer<typeof link>;

interface Judged {
  readonly record: Link;
  readonly digest: string;
}

/** How far a record's time may lie before its predecessor's. */
const toleratedMs = 5_000;

/**
 * Judges the lines of one log, in order. No finding means: whole from its first line on, unchanged and in order. Alone it cannot see that the last record was
 * changed or a tail cut, nor a chain forged from the start; with `published` records it sees both (`fork`, `truncated`).
 */
export function verifyChain(
  lines: readonly string[],
  published: readonly PublishedRecord[] = [],
): readonly AuditFinding[] {
  const findings: AuditFinding[] = [];
  const digests = new Map<number, string>();
  let previous: Judged | undefined;
  lines.forEach((text, index) => {
    const record = parseLine(text);
    const report = (seq: number | undefined, faults: readonly Fault[]): void =>
      void findings.push(...faults.map(([kind, detail]) => ({ kind, line: index + 1, seq, detail })));
    if (record === undefined) {
      report(undefined, [['malformed', 'no record of the log']]);
      return;
    }
    if (previous !== undefined && record.log !== previous.record.log) {
      report(record.seq, [['foreign', `a record of ${record.log}`]]);
      return;
    }
    const digest = lineDigest(text);
    report(record.seq, [
      ...faultsOfForm(record, text),
      ...faultsOfPlace(record, digest, previous, digests),
      ...faultsOfTime(record, previous),
      ...published.flatMap((known) => faultsOfPublished(record, digest, known)),
    ]);
    digests.set(record.seq, digests.get(record.seq) ?? digest);
    // What came too late or twice is no predecessor: one displaced record is one finding, not two.
    previous = previous !== undefined && record.seq <= previous.record.seq ? previous : { record, digest };
  });
  return [...findings, ...cutTail(lines.length, previous, published)];
}

type Fault = readonly [kind: AuditFindingKind, detail: string];

function faultsOfForm(record: Link, text: string): readonly Fault[] {
  return [
    ...(canonicalJson(record) === text ? [] : [['not-canonical', 'not in canonical form'] as const]),
    ...(record.event === 'audit.events.lost' ? [['lost', 'events were lost before they were written'] as const] : []),
  ];
}

function faultsOfPlace(
  { seq, prev }: Link,
  digest: string,
  previous: Judged | undefined,
  digests: ReadonlyMap<number, string>,
): readonly Fault[] {
  const before = digests.get(seq);
  if (before !== undefined) {
    return before === digest
      ? [['duplicate', 'the same record was there before']]
      : [['fork', 'another record of this number was there before']];
  }
  const expectedSeq = previous === undefined ? seq : previous.record.seq + 1;
  if (seq < expectedSeq) {
    return [['reordered', `after number ${expectedSeq - 1}`]];
  }
  if (seq > expectedSeq) {
    return [['missing', expectedSeq === seq - 1 ? `number ${expectedSeq}` : `numbers ${expectedSeq} to ${seq - 1}`]];
  }
  const expectedPrev = previous?.digest ?? (seq === 0 ? genesis : prev);
  return prev === expectedPrev ? [] : [['changed', 'does not follow from the record before']];
}

function faultsOfTime({ time }: Link, previous: Judged | undefined): readonly Fault[] {
  const isBackwards = previous !== undefined && Date.parse(time) < Date.parse(previous.record.time) - toleratedMs;
  return isBackwards ? [['time-backwards', 'more than 5 s before its predecessor']] : [];
}

function faultsOfPublished({ seq }: Link, digest: string, known: PublishedRecord): readonly Fault[] {
  return known.seq === seq && known.digest !== digest ? [['fork', 'not the record that was published']] : [];
}

function cutTail(
  line: number,
  last: Judged | undefined,
  published: readonly PublishedRecord[],
): readonly AuditFinding[] {
  const end = last?.record.seq ?? -1;
  return published
    .filter(({ seq }) => seq > end)
    .map(({ seq }) => ({ kind: 'truncated', line, seq, detail: `ends before record ${seq}, which was published` }));
}

function parseLine(text: string): Link | undefined {
  if (Buffer.byteLength(text) > longestRecord) {
    return undefined;
  }
  try {
    return link.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
