import type { Clock } from '../runtime/clock.ts';
import { type RandomBytes, uniform } from '../runtime/random.ts';
import type { IndexedAccess } from './access/access-index.ts';
import { connectionAge } from './connection-age.ts';
import type { HeldSvid } from './identity/svid-store.ts';
import type { CarriedKind, ConnectionFacts } from './journal/connection-record.ts';
import type { Journal } from './journal/journal.ts';
import type { LiveConnections } from './live-connections.ts';
import { type RelayLimits, type RelaySide, relay } from './relay.ts';

/** A connection on which everything has been decided. `first`: the peer inbound, the application outbound. */
export interface Carriage {
  readonly facts: ConnectionFacts;
  readonly kind: CarriedKind;
  readonly first: RelaySide;
  readonly second: RelaySide;
  /** Whose SVID bounds the life of the connection, besides the peer's; undefined without TLS. */
  readonly own: HeldSvid | undefined;
  /** Asked when the policy changes; left out where policy has no say. */
  readonly isAllowed?: (access: IndexedAccess) => boolean;
}

export interface CarrierOptions {
  readonly journal: Journal;
  readonly live: LiveConnections;
  readonly limits: RelayLimits;
  readonly maxConnectionAgeMs: number | undefined;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** Joins the two sides, accounts for the connection, and resolves when it has ended. */
export type Carry = (carriage: Carriage) => Promise<void>;

/** The one way from a decided connection to its last byte. */
export function createCarrier({ journal, live, limits, maxConnectionAgeMs, clock, random }: CarrierOptions): Carry {
  return async ({ facts, kind, first, second, own, isAllowed }) => {
    const joined = relay(first, second, limits);
    const notAfterMs = [facts.peer?.notAfter, own?.notAfter].flatMap((at) => (at === undefined ? [] : [at.getTime()]));
    const bounds = { openedAtMs: clock.now().getTime(), notAfterMs };
    const age = connectionAge(
      maxConnectionAgeMs === undefined ? bounds : { ...bounds, maxAgeMs: maxConnectionAgeMs },
      uniform(random),
    );
    const close = journal.opened({ facts, kind, bytes: joined.bytes, openedAtMs: clock.monotonicMs() });
    live.add({
      direction: facts.direction,
      relay: joined,
      age,
      peer: facts.peer,
      isAllowed: isAllowed ?? (() => true),
    });
    close(await joined.ended);
  };
}
