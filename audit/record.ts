import { canonicalJson } from './canonical-json.ts';
import type { ChainHead } from './chain.ts';
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

/** The line of a record: canonical JSON without a newline. Lists are cut, and `truncated` set, where it would exceed `longestRecord`. */
export function recordLine(draft: Draft, head: ChainHead, identity: LogIdentity, onRedaction: () => void): string {
  const clean = redact(draft.event, onRedaction);
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
  const members = typeof clean === 'object' && clean !== null ? clean : {};
  const line = canonicalJson({ ...members, ...stamp });
  return Buffer.byteLength(line) <= longestRecord
    ? line
    : canonicalJson({ ...cutLists(members), ...stamp, truncated: true });
}

function cutLists(members: object): object {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]: [string, unknown]) => [
      name,
      Array.isArray(value) ? value.slice(0, 4) : value,
    ]),
  );
}

const microseconds = (at: Date): string => at.toISOString().replace('Z', '000Z');
