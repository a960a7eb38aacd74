import type { Clock } from '../../runtime/clock.ts';
import { type RandomBytes, uniformBetween } from '../../runtime/random.ts';
import { type Granted, granted, refuse } from '../refusal.ts';
import { tokenBuckets } from './token-bucket.ts';

/** How much one replica takes on: in all, for one namespace, and for one pod by its UID. */
export interface IssuanceLimitFigures {
  readonly attestationsPerSecond: number;
  readonly attestationsBurst: number;
  readonly namespacePerSecond: number;
  readonly namespaceBurst: number;
  readonly podPerMinute: number;
}

export const defaultLimitFigures: IssuanceLimitFigures = {
  attestationsPerSecond: 100,
  attestationsBurst: 200,
  namespacePerSecond: 50,
  namespaceBurst: 200,
  podPerMinute: 10,
};

/** Each method gives leave, or `rate-limited` with a time to come back. Never per address: balancers and nodes share those. */
export interface IssuanceLimits {
  /**
   * Before anything is reviewed. Renewals, whose callers have proven an SVID, have a bucket of their own: else whoever may reach the port could keep everybody from
   * renewing.
   */
  replica(caller: 'unproven' | 'renewal'): Granted<undefined>;
  namespace(name: string): Granted<undefined>;
  /** `lifeMs`: of the SVIDs this pod asks for, where it asks for shorter ones. */
  pod(uid: string, lifeMs?: number): Granted<undefined>;
}

export interface IssuanceLimitOptions {
  readonly svidMs: number;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly figures?: IssuanceLimitFigures;
}

/** Limits kept in memory. A pod may ask `podPerMinute` times a minute or four times per life of its SVIDs, whichever allows more. */
export function issuanceLimits({
  svidMs,
  clock,
  random,
  figures = defaultLimitFigures,
}: IssuanceLimitOptions): IssuanceLimits {
  const perReplica = tokenBuckets({
    ratePerSecond: figures.attestationsPerSecond,
    burst: figures.attestationsBurst,
    clock,
  });
  const perNamespace = tokenBuckets({
    ratePerSecond: figures.namespacePerSecond,
    burst: figures.namespaceBurst,
    clock,
  });
  const perPod = tokenBuckets({ ratePerSecond: figures.podPerMinute / 60, burst: figures.podPerMinute, clock });
  const podRate = (lifeMs: number): number => Math.max(figures.podPerMinute / 60, 4 / (lifeMs / 1000));
  const judge = (waitMs: number, detail: string): Granted<undefined> =>
    waitMs === 0
      ? granted(undefined)
      : refuse('rate-limited', {
          detail,
          retryAfterSeconds: Math.max(waitMs / 1000, retryAfterSeconds(svidMs, random)),
        });
  return {
    replica: (caller) => judge(perReplica.take(caller), 'replica'),
    namespace: (name) => judge(perNamespace.take(name), 'namespace'),
    pod: (uid, lifeMs = svidMs) => judge(perPod.take(uid, podRate(Math.min(lifeMs, svidMs))), 'pod'),
  };
}

/** When to come back after an overload: 1 s to a tenth of a life, 30 s at most, so that a wave spreads. */
export function retryAfterSeconds(svidMs: number, random: RandomBytes): number {
  return uniformBetween(random, 1, Math.max(1, Math.min(30, svidMs / 10_000)));
}
