import { type Cancel, type Clock, every, sleep } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import { loopService } from '../../runtime/loop-service.ts';
import { type RandomBytes, uniform } from '../../runtime/random.ts';
import type { Service } from '../../runtime/service.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import { IdentityFailure, type IdentitySource } from './identity-source.ts';
import { checkReceivedSvid } from './received-svid.ts';
import { renewalDelayMs, retryDelayMs, type SvidTimes, validityAt } from './renewal-schedule.ts';
import type { HeldSvid, SvidStore } from './svid-store.ts';

/** `starting -> held -> degraded -> expired`; `denied` when there is no valid SVID and the source refused for good. */
export const identityStates = ['starting', 'held', 'degraded', 'expired', 'denied'] as const;
export type IdentityState = (typeof identityStates)[number];

export interface IdentityLoopOptions {
  readonly source: IdentitySource;
  readonly store: SvidStore;
  readonly trustDomain: TrustDomain;
  /** Changes when the evidence does, which ends the long wait after a final refusal. */
  readonly evidenceVersion: () => Promise<string>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
  readonly observer: IdentityObserver;
}

/** Told of every change of state and of every attempt. */
export interface IdentityObserver {
  state(state: IdentityState, svid: HeldSvid | undefined, lastReason: string | undefined): void;
  attempt(outcome: 'success' | 'failure'): void;
}

/** Keeps an identity for ever. Ready when the first SVID is verified and stored. */
export interface IdentityLoop extends Service {
  state(): IdentityState;
  /** Why the last attempt failed; undefined after a success. */
  lastReason(): string | undefined;
  /** Renews at a moment drawn within `splayMs`, as the authority ordered; at most one order in ten seconds is heard. */
  renewWithin(splayMs: number): void;
}

const orderEveryMs = 10_000;
const watchEveryMs = 1_000;

/** The loop over `source`. It never gives up: a bad answer is reported, and the SVID held serves on until it ends. */
export function identityLoop(options: IdentityLoopOptions): IdentityLoop {
  const { store, clock, random, observer } = options;
  const attempts = countAttempts(options);
  const alarm = createAlarm(clock);
  let seen: IdentityState = 'starting';
  let lastOrderMs = Number.NEGATIVE_INFINITY;
  const state = (): IdentityState => stateOf(store.current()?.svid, attempts.last(), clock.now());
  const watch = (): void => {
    const now = state();
    if (now !== seen) {
      seen = now;
      observer.state(now, store.current()?.svid, attempts.last()?.reason);
      if (now === 'degraded' || now === 'expired') {
        alarm.ring();
      }
    }
  };

  const service = loopService('identity', async ({ signal, ready }) => {
    const stopWatching = every(clock, watchEveryMs, watch, { unref: true });
    const stopWatchingEvidence = watchEvidence(options, () => attempts.last()?.isFinal === true, alarm.ring);
    try {
      while (!signal.aborted) {
        const succeeded = await attempts.next();
        watch();
        if (succeeded) {
          ready();
        }
        await alarm.wait(attempts.delayMs(uniform(random)), signal);
      }
    } finally {
      stopWatching();
      stopWatchingEvidence();
    }
  });
  return {
    ...service,
    state,
    lastReason: () => attempts.last()?.reason,
    renewWithin(splayMs) {
      if (clock.monotonicMs() - lastOrderMs >= orderEveryMs) {
        lastOrderMs = clock.monotonicMs();
        clock.after(splayMs * uniform(random), alarm.ring, { unref: true });
      }
    },
  };
}

/** What is held and the last failure, as one word. */
function stateOf(svid: HeldSvid | undefined, failure: IdentityFailure | undefined, now: Date): IdentityState {
  const validity = svid === undefined ? 'starting' : validityAt(timesOf(svid), now.getTime());
  const isValid = validity === 'held' || validity === 'degraded';
  return !isValid && failure?.isFinal === true ? 'denied' : validity;
}

const timesOf = ({ receivedAt, notAfter }: HeldSvid): SvidTimes => ({
  receivedAtMs: receivedAt.getTime(),
  notAfterMs: notAfter.getTime(),
});

/** Makes one attempt after the other and knows when the next is due. */
function countAttempts({ source, store, trustDomain, clock, logger, observer }: IdentityLoopOptions): {
  next(): Promise<boolean>;
  delayMs(draw: number): number;
  last(): IdentityFailure | undefined;
} {
  let failures = 0;
  let last: IdentityFailure | undefined;
  const attempt = async (): Promise<void> => {
    const obtained = await source.obtain(store.current());
    const svid = checkReceivedSvid(obtained, trustDomain, clock.now());
    if (!svid.ok) {
      const { code, message } = svid.problem;
      throw new IdentityFailure('not-accepted', { reason: svid.problem.clause ?? code, message });
    }
    store.acceptSvid(svid.value, obtained);
    logger.info(
      { spiffeId: svid.value.spiffeId.text, serial: svid.value.serial, notAfter: svid.value.notAfter },
      'identity held',
    );
  };
  return {
    async next() {
      try {
        await attempt();
        failures = 0;
        last = undefined;
        observer.attempt('success');
        return true;
      } catch (error) {
        failures += 1;
        last =
          error instanceof IdentityFailure
            ? error
            : new IdentityFailure('unavailable', { reason: 'unexpected', cause: error });
        observer.attempt('failure');
        logger.warn({ reason: last.reason, failures, error: last }, 'identity not obtained');
        return false;
      }
    },
    delayMs(draw) {
      const svid = store.current()?.svid;
      const times = svid === undefined ? undefined : timesOf(svid);
      if (last === undefined) {
        return times === undefined ? 0 : renewalDelayMs(times, draw);
      }
      const { isFinal, retryAfterMs } = last;
      const failed = retryAfterMs === undefined ? { failures, isFinal } : { failures, isFinal, retryAfterMs };
      return retryDelayMs(failed, times, clock.now().getTime(), draw);
    },
    last: () => last,
  };
}

/** While `isWanted`, looks each second whether the evidence changed. */
function watchEvidence(
  { evidenceVersion, clock }: IdentityLoopOptions,
  isWanted: () => boolean,
  onChange: () => void,
): Cancel {
  let version: string | undefined;
  const look = async (): Promise<void> => {
    const found = await evidenceVersion();
    if (version !== undefined && found !== version) {
      onChange();
    }
    version = found;
  };
  return every(
    clock,
    watchEveryMs,
    () => {
      if (isWanted()) {
        void look();
      } else {
        version = undefined;
      }
    },
    { unref: true },
  );
}

/** A wait that can be ended early. A ring while nobody waits ends the next wait at once. */
function createAlarm(clock: Clock): { wait(ms: number, signal: AbortSignal): Promise<void>; ring(): void } {
  let pending = false;
  let current: AbortController | undefined;
  return {
    async wait(ms, signal) {
      current = new AbortController();
      if (!pending) {
        await sleep(clock, ms, AbortSignal.any([current.signal, signal]));
      }
      pending = false;
      current = undefined;
    },
    ring() {
      pending = true;
      current?.abort();
    },
  };
}
