import type { Clock } from '../../runtime/clock.ts';
import { type Granted, granted, refuse } from '../refusal.ts';
import { tokenBuckets } from './token-bucket.ts';

/** Batches of events; a sidecar's whole ring is 16 of them. */
const figures = { ratePerSecond: 5, burst: 32 } as const;

/**
 * Leave for one pod to hand over a batch of audit events, or `rate-limited` with a time to come back. One that floods would push the events of all others out of the
 * buffer, and fill the disk without which nothing is issued.
 */
export function forwardingLimit(clock: Clock): (podUid: string) => Granted<undefined> {
  const buckets = tokenBuckets({ ...figures, clock });
  return (podUid) => {
    const waitMs = buckets.take(podUid);
    return waitMs === 0
      ? granted(undefined)
      : refuse('rate-limited', { detail: 'events', retryAfterSeconds: Math.max(1, waitMs / 1000) });
  };
}
