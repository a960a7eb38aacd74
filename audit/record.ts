import { canonicalJson } from './canonical-json.ts';
import { type ChainHead, lineDigest } from './chain.ts';
import type { AuditEvent, Program, Replica } from './event.ts';
import { redact } from './redact.ts';

/** Longest record in bytes: container runtimes split longer lines. */
export const longestRecord = 16_000;

/** A stamped event that waits for its place in the chain. */
export interface Draft {
  readonly event: AuditEvent;
  readonly id: string;
  /** When it was appended. */
  readonly time: Date;
  readonly program: Program;
  readonly replica: Replica;
  /** The sender's own time, where another program saw it. */
  readonly seenAt?: string;
}

/** What a whole log shares. */
export interface LogIdentity {
  readonly log: string;
  readonly cluster: string;
  readonly trustDomain: string;
}

/**
 * The line of a record: canonical JSON without a newline, at most `longestRecord` bytes. Where the event would exceed that, lists keep their first items and texts
 * their beginning; `truncated` says so and `wholeSha256` is the digest of the whole event's canonical JSON.
 */
export function recordLine(draft: Draft, head: ChainHead, identity: LogIdentity, onRedaction: () => void): string {
  const clean = redact(draft.event, onRedaction);
  const members = typeof clean === 'object' && clean !== null ? clean : {};
  const stamp = {
    kind: 'audit',
    id: draft.id,
    time: microseconds(draft.time),
    ...(draft.seenAt === undefined ? {} : { seenAt: draft.seenAt }),
    ...identity,
    seq: head.nextSeq,
    prev: head.prev,
    version: 1,
    program: draft.program,
    replica: draft.replica,
  };
  const line = canonicalJson({ ...members, ...stamp });
  return fits(line) ? line : cutLine(members, stamp);
}

/** How many items of a list and characters of a text are kept, from gentle to harsh; digests have 64 characters and survive all of it. */
const cuts = [
  { items: 32, characters: 2_048 },
  { items: 4, characters: 256 },
  { items: 4, characters: 64 },
] as const;

function cutLine(members: object, stamp: object): string {
  const mark = { truncated: true, wholeSha256: lineDigest(canonicalJson(members)) };
  const lines = cuts.map((cut) => canonicalJson({ ...cutMembers(members, cut), ...stamp, ...mark }));
  return lines.find(fits) ?? lines.at(-1) ?? '';
}

function cutMembers(members: object, cut: (typeof cuts)[number]): object {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, cutValue(value, cut)]));
}

function cutValue(value: unknown, cut: (typeof cuts)[number]): unknown {
  if (typeof value === 'string') {
    return value.length > cut.characters ? `${value.slice(0, cut.characters - 1).toWellFormed()}…` : value;
  }
  if (Array.isArray(value)) {
    return value.slice(0, cut.items).map((item) => cutValue(item, cut));
  }
  return typeof value === 'object' && value !== null ? cutMembers(value, cut) : value;
}

const fits = (line: string): boolean => Buffer.byteLength(line) <= longestRecord;

const microseconds = (at: Date): string => at.toISOString().replace('Z', '000Z');
