import type { AuditEvent } from '../../audit/event.ts';
import type { Refusal } from '../reasons.ts';
import { type ConnectionFacts, deniedEvent } from './connection-record.ts';

const singlyPerMinute = 10;
const maximumKinds = 4_096;

interface Fold {
  seen: number;
  /** Refused since the last flush and not yet in a record. */
  folded: number;
  readonly facts: ConnectionFacts;
  readonly refusal: Refusal;
}

/**
 * Writes `access.denied`: identical ones singly up to ten per minute, the rest as one record with a count at the next flush, which is each minute. So a storm
 * costs one line and no refusal is lost. `add` tells whether this one got a record of its own.
 */
export function foldDenials(append: (event: AuditEvent) => void): {
  add(facts: ConnectionFacts, refusal: Refusal): boolean;
  flush(): void;
} {
  let folds = new Map<string, Fold>();
  return {
    add(facts, refusal) {
      const key = keyOf(facts, refusal, folds.size >= maximumKinds);
      const fold = folds.get(key) ?? { seen: 0, folded: 0, facts, refusal };
      folds.set(key, fold);
      fold.seen += 1;
      if (fold.seen > singlyPerMinute) {
        fold.folded += 1;
        return false;
      }
      append(deniedEvent(facts, refusal, 1));
      return true;
    },
    flush() {
      const old = folds;
      folds = new Map();
      for (const { facts, refusal, folded } of old.values()) {
        if (folded > 0) {
          append(deniedEvent(facts, refusal, folded));
        }
      }
    },
  };
}

/** Beyond the limit of kinds strangers are told apart by reason only, so that many addresses cannot fill the memory. */
function keyOf({ direction, port, peer, client }: ConnectionFacts, { reason }: Refusal, isFull: boolean): string {
  const who = isFull ? '' : (peer?.spiffeId.text ?? client.address);
  return [direction, reason, port, who].join(' ');
}
