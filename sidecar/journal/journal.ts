import type { AuditEvent } from '../../audit/event.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { SidecarMetrics } from '../metrics.ts';
import type { EndReason, Refusal } from '../reasons.ts';
import { type ConnectionFacts, grantedEvent, inAndOut, type OpenConnection } from './connection-record.ts';
import { foldDenials } from './denials.ts';
import { sampleGrants } from './grants.ts';
import { createSummaries } from './summaries.ts';

/*
 * Where every connection is accounted for, exactly once: a refused one in `refusals_total`, `access.denied` and the summary's `refusals`; a carried one, at its
 * end, in `connections_total` and the summary's `connections`. So metrics, log and audit must agree, and a test holds them to it.
 */

export interface Journal {
  refused(facts: ConnectionFacts, refusal: Refusal): void;
  /** Gives the function that ends the entry. */
  opened(connection: OpenConnection): (end: EndReason) => void;
  /** Writes summaries, what was folded, and connections that live on without a record. Called each minute and at the end. */
  flush(): void;
}

export interface JournalOptions {
  readonly append: (event: AuditEvent) => void;
  readonly metrics: SidecarMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** An empty journal. */
export function createJournal({ append, metrics, clock, logger }: JournalOptions): Journal {
  const denials = foldDenials(append);
  const grants = sampleGrants(clock);
  const summaries = createSummaries(append, clock);
  const open = new Map<OpenConnection, 'unrecorded' | 'recorded'>();
  const record = (connection: OpenConnection, end: EndReason | undefined): void => {
    if (connection.facts.wouldDeny !== undefined || grants.isRecorded(connection)) {
      append(grantedEvent(connection, clock.monotonicMs() - connection.openedAtMs, end));
    }
  };
  return {
    refused(facts, refusal) {
      const { direction } = facts;
      metrics.refusals.inc({ direction, reason: refusal.reason });
      summaries.refused(facts);
      const line = {
        direction,
        reason: refusal.reason,
        detail: refusal.detail,
        peer: facts.peer?.spiffeId.text,
        ...facts.client,
      };
      if (denials.add(facts, refusal)) {
        logger.info(line, 'connection refused');
      }
    },
    opened(connection) {
      const { facts, kind } = connection;
      const { direction } = facts;
      open.set(connection, 'unrecorded');
      metrics.connectionsOpen.inc({ direction });
      if (facts.wouldDeny !== undefined) {
        metrics.wouldRefuse.inc({ direction, reason: facts.wouldDeny });
      }
      return (end) => {
        const wasRecorded = open.get(connection) === 'recorded';
        if (!open.delete(connection)) {
          return;
        }
        const bytes = connection.bytes();
        metrics.connectionsOpen.dec({ direction });
        metrics.connections.inc({ direction, kind, end });
        metrics.bytes.inc({ direction, way: 'in' }, inAndOut(direction, bytes).in);
        metrics.bytes.inc({ direction, way: 'out' }, inAndOut(direction, bytes).out);
        summaries.ended(connection);
        if (!wasRecorded) {
          record(connection, end);
        }
      };
    },
    flush() {
      for (const [connection, state] of open) {
        if (state === 'unrecorded' && clock.monotonicMs() - connection.openedAtMs >= 60_000) {
          open.set(connection, 'recorded');
          record(connection, undefined);
        }
      }
      denials.flush();
      summaries.flush();
    },
  };
}
