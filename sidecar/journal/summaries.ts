import type { AuditEvent } from '../../audit/event.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type ConnectionFacts, inAndOut, type OpenConnection } from './connection-record.ts';

interface Summary {
  readonly facts: ConnectionFacts;
  readonly kind: string;
  connections: number;
  refusals: number;
  in: number;
  out: number;
  longestMs: number;
}

const maximumKinds = 4_096;

/** Counts every connection by direction, kind, peer and port, and writes `access.summary` for each at a flush. */
export function createSummaries(
  append: (event: AuditEvent) => void,
  clock: Clock,
): { ended(connection: OpenConnection): void; refused(facts: ConnectionFacts): void; flush(): void } {
  let summaries = new Map<string, Summary>();
  let since = clock.now();
  const of = (facts: ConnectionFacts, kind: string): Summary => {
    const peer = summaries.size >= maximumKinds ? '' : (facts.peer?.spiffeId.text ?? '');
    const key = [facts.direction, kind, facts.port, peer].join(' ');
    const found = summaries.get(key) ?? { facts, kind, connections: 0, refusals: 0, in: 0, out: 0, longestMs: 0 };
    summaries.set(key, found);
    return found;
  };
  return {
    ended(connection) {
      const summary = of(connection.facts, connection.kind);
      const bytes = inAndOut(connection.facts.direction, connection.bytes());
      summary.connections += 1;
      summary.in += bytes.in;
      summary.out += bytes.out;
      summary.longestMs = Math.max(summary.longestMs, clock.monotonicMs() - connection.openedAtMs);
    },
    refused(facts) {
      of(facts, 'refused').refusals += 1;
    },
    flush() {
      const old = summaries;
      const from = since.toISOString();
      summaries = new Map();
      since = clock.now();
      for (const summary of old.values()) {
        append(summaryEvent(summary, from));
      }
    },
  };
}

function summaryEvent({ facts, kind, connections, refusals, longestMs, ...bytes }: Summary, since: string): AuditEvent {
  const peer = facts.peer?.spiffeId.text;
  return {
    event: 'access.summary',
    outcome: 'info',
    direction: facts.direction,
    connectionKind: kind,
    port: facts.port,
    ...(peer === undefined ? {} : { peer }),
    connections,
    refusals,
    bytes: { in: bytes.in, out: bytes.out },
    longestMs,
    since,
  };
}
