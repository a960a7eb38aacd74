import type { Clock } from '../../runtime/clock.ts';

export interface BucketOptions {
  readonly ratePerSecond: number;
  readonly burst: number;
  readonly clock: Clock;
}

/** Lets `burst` through at once and `ratePerSecond` in the long run, per key. */
export interface TokenBuckets {
  /** 0 when one may pass now, which it then has; else the milliseconds until one may. `ratePerSecond`: of this key, where it has one of its own. */
  take(key: string, ratePerSecond?: number): number;
}

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** More keys than any cluster has pods; beyond it the buckets that are full again are forgotten. */
const manyKeys = 100_000;

/** Buckets on the monotonic clock. A bucket that is full again is forgotten, so memory follows the keys in use. */
export function tokenBuckets({ ratePerSecond, burst, clock }: BucketOptions): TokenBuckets {
  const buckets = new Map<string, Bucket>();
  const level = (bucket: Bucket, now: number, rate: number): number =>
    Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * rate);
  const sweep = (now: number): void => {
    for (const [key, bucket] of buckets) {
      if (level(bucket, now, ratePerSecond) >= burst) {
        buckets.delete(key);
      }
    }
  };
  let sweepAt = 1024;
  return {
    take(key, rate = ratePerSecond) {
      const now = clock.monotonicMs();
      if (buckets.size >= sweepAt) {
        sweep(now);
        sweepAt = Math.min(manyKeys, Math.max(1024, buckets.size * 2));
      }
      const tokens = level(buckets.get(key) ?? { tokens: burst, at: now }, now, rate);
      if (tokens < 1) {
        return Math.ceil(((1 - tokens) / rate) * 1000);
      }
      buckets.set(key, { tokens: tokens - 1, at: now });
      return 0;
    },
  };
}
