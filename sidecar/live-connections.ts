import type { Clock } from '../runtime/clock.ts';
import type { IndexedAccess } from './access/access-index.ts';
import type { ConnectionAge } from './connection-age.ts';
import type { BundleSet } from './identity/svid-store.ts';
import type { Direction } from './reasons.ts';
import type { Relay } from './relay.ts';
import type { Sweep } from './sweep.ts';
import { isStillTrusted, type Peer } from './tls/peer.ts';

/** A connection that is carried. `isAllowed`: whether a policy would still let it in; always, where policy has no say. */
export interface LiveConnection {
  readonly direction: Direction;
  readonly relay: Relay;
  readonly age: ConnectionAge;
  readonly peer: Peer | undefined;
  readonly isAllowed: (access: IndexedAccess) => boolean;
}

/** All connections that are carried, and what ends them from outside: age, a changed policy, removed trust, the end of the program. */
export interface LiveConnections {
  /** Holds the connection until its relay has ended. */
  add(connection: LiveConnection): void;
  count(direction: Direction): number;
  decideAgain(access: IndexedAccess): void;
  judgeAgain(bundles: BundleSet): void;
  /** Resets what is left of the direction at the end of a drain. */
  cut(direction: Direction): void;
  stop(): void;
}

/** How long no byte must have been seen for an old connection to be ended without harm. */
const quietMs = 2_000;

/** Longer than any connection is under way between its judgement and the first byte carried. */
const underWayMs = 30_000;

/** None yet. */
export function createLiveConnections(clock: Clock, sweep: Sweep): LiveConnections {
  const live = new Set<LiveConnection>();
  const of = (direction: Direction): LiveConnection[] =>
    [...live].filter((connection) => connection.direction === direction);
  let access: IndexedAccess | undefined;
  let bundles: { readonly set: BundleSet; readonly sinceMs: number } | undefined;
  /** Policy and trust may have changed while it was under way. */
  const recheck = ({ relay, isAllowed, peer }: LiveConnection): void => {
    if (access !== undefined && !isAllowed(access)) {
      relay.reset('policy-changed');
    }
    const areNew = bundles !== undefined && clock.monotonicMs() - bundles.sinceMs < underWayMs;
    if (bundles !== undefined && areNew && peer !== undefined && !isStillTrusted(peer, bundles.set, clock.now())) {
      relay.reset('trust-removed');
    }
  };
  const stop = sweep.add(() => {
    const nowMs = clock.now().getTime();
    for (const { relay, age } of live) {
      if (nowMs >= age.deadlineMs) {
        relay.reset('max-age');
      } else if (nowMs >= age.quietFromMs && relay.quietMs() >= quietMs) {
        relay.finish('max-age');
      }
    }
  });
  return {
    add(connection) {
      live.add(connection);
      void connection.relay.ended.then(() => live.delete(connection));
      recheck(connection);
    },
    count: (direction) => of(direction).length,
    decideAgain(changed) {
      access = changed;
      for (const { relay, isAllowed } of live) {
        if (!isAllowed(changed)) {
          relay.reset('policy-changed');
        }
      }
    },
    judgeAgain(changed) {
      if (changed === bundles?.set) {
        return;
      }
      bundles = { set: changed, sinceMs: clock.monotonicMs() };
      const verdicts = new Map<string, boolean>();
      for (const { relay, peer } of live) {
        if (peer !== undefined && !judgeOnce(verdicts, peer, changed, clock)) {
          relay.reset('trust-removed');
        }
      }
    },
    cut(direction) {
      for (const { relay } of of(direction)) {
        relay.reset('drain-timeout');
      }
    },
    stop,
  };
}

/** Many connections of one peer share one verdict. */
function judgeOnce(verdicts: Map<string, boolean>, peer: Peer, bundles: BundleSet, clock: Clock): boolean {
  const verdict = verdicts.get(peer.leafSha256) ?? isStillTrusted(peer, bundles, clock.now());
  verdicts.set(peer.leafSha256, verdict);
  return verdict;
}
