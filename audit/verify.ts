import { z } from 'zod';
import { canonicalJson } from './canonical-json.ts';
import { genesis, lineDigest } from './chain.ts';

export type AuditFindingKind =
  | 'malformed'
  | 'not-canonical'
  | 'changed'
  | 'missing'
  | 'duplicate'
  | 'reordered'
  | 'foreign'
  | 'time-backwards'
  | 'lost';

/** What is wrong with a log, and where. `line` counts from 1. */
export interface AuditFinding {
  readonly kind: AuditFindingKind;
  readonly line: number;
  readonly seq: number | undefined;
  readonly detail: string;
}

const link = z.looseObject({
  log: z.string(),
  seq: z.int().nonnegative(),
  prev: z.string(),
  time: z.string(),
  event: z.string(),
});

/** How far a record's time may lie before its predecessor's. */
const toleratedMs = 5_000;

/**
 * Judges the lines of one log, in order. No finding means: whole from its first line on, unchanged and in order. It cannot see a tail that was cut, nor a chain
 * forged from the start: that takes published checkpoints.
 */
export function verifyChain(lines: readonly string[]): readonly AuditFinding[] {
  const findings: AuditFinding[] = [];
  const seen = new Set<number>();
  let previous: { seq: number; digest: string; atMs: number; log: string } | undefined;
  lines.forEach((text, index) => {
    const find = (kind: AuditFindingKind, seq: number | undefined, detail: string): void =>
      void findings.push({ kind, line: index + 1, seq, detail });
    const record = parseLine(text);
    if (record === undefined) {
      find('malformed', undefined, 'no record of the log');
      return;
    }
    const { seq, prev, log } = record;
    if (canonicalJson(record) !== text) {
      find('not-canonical', seq, 'not in canonical form');
    }
    const atMs = Date.parse(record.time);
    const expectedSeq = previous === undefined ? seq : previous.seq + 1;
    if (previous !== undefined && log !== previous.log) {
      find('foreign', seq, `a record of ${log}`);
      return;
    }
    if (seen.has(seq)) {
      find('duplicate', seq, 'this number was there before');
    } else if (seq < expectedSeq) {
      find('reordered', seq, `after number ${expectedSeq - 1}`);
    } else if (seq > expectedSeq) {
      find('missing', seq, `numbers ${expectedSeq} to ${seq - 1}`);
    } else if (prev !== (previous?.digest ?? (seq === 0 ? genesis : prev))) {
      find('changed', seq, 'does not follow from the record before');
    }
    if (previous !== undefined && atMs < previous.atMs - toleratedMs) {
      find('time-backwards', seq, 'more than 5 s before its predecessor');
    }
    if (record.event === 'audit.events.lost') {
      find('lost', seq, 'events were lost before they were written');
    }
    seen.add(seq);
    previous = { seq, digest: lineDigest(text), atMs, log };
  });
  return findings;
}

function parseLine(text: string): z.infer<typeof link> | undefined {
  try {
    return link.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
