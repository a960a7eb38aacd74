import type { Clock } from '../../runtime/clock.ts';
import type { OpenConnection } from './connection-record.ts';

const dayMs = 24 * 3_600_000;
const oneIn = 100;
const maximumKinds = 10_000;

/**
 * Which carried connections get a record of their own: the first of each peer and SVID, direction and port in 24 hours, then one in a hundred. All are counted
 * in the summaries. The serial belongs to the key, so that every SVID ever accepted stands in the log.
 */
export function sampleGrants(clock: Clock): { isRecorded(connection: OpenConnection): boolean } {
  const seen = new Map<string, { readonly sinceMs: number; count: number }>();
  return {
    isRecorded({ facts, kind }) {
      const who = facts.peer === undefined ? facts.client.address : `${facts.peer.spiffeId.text} ${facts.peer.serial}`;
      const key = [facts.direction, kind, facts.port, facts.own ?? '', who].join(' ');
      const nowMs = clock.monotonicMs();
      const known = seen.get(key);
      if (known !== undefined && nowMs - known.sinceMs < dayMs) {
        known.count += 1;
        return known.count % oneIn === 0;
      }
      seen.delete(key);
      forgetOldest(seen);
      seen.set(key, { sinceMs: nowMs, count: 0 });
      return true;
    },
  };
}

function forgetOldest(seen: Map<string, unknown>): void {
  const oldest = seen.size >= maximumKinds ? seen.keys().next() : undefined;
  if (oldest?.done === false) {
    seen.delete(oldest.value);
  }
}
