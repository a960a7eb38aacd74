/*
 * When the identity loop acts: pure functions of milliseconds and one draw in [0, 1).
 *
 *   receipt ........ half life x U(0.9, 1.1) ........ last hour, or last sixth ........ notAfter
 *                    renew                            degraded: more often              closed
 */

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** The narrowest part of an SVID's life that is still left when it arrives. `receivedAtMs` and `notAfterMs` by the wall clock. */
export interface SvidTimes {
  readonly receivedAtMs: number;
  readonly notAfterMs: number;
}

/** Why the last attempt gave nothing. `isFinal`: this token will not be accepted later either. */
export interface FailedAttempt {
  readonly failures: number;
  readonly retryAfterMs?: number;
  readonly isFinal: boolean;
}

/** Milliseconds from receipt to renewal: half the life, less or more a tenth of it, drawn once per SVID. */
export function renewalDelayMs({ receivedAtMs, notAfterMs }: SvidTimes, draw: number): number {
  return lifeMs({ receivedAtMs, notAfterMs }) * 0.5 * (0.9 + 0.2 * draw);
}

/** From when on the SVID counts as degraded: its last hour, or its last sixth where it lives less than six hours. */
export function degradedFromMs(times: SvidTimes): number {
  const life = lifeMs(times);
  return times.notAfterMs - (life < 6 * hourMs ? life / 6 : hourMs);
}

/** What an SVID is worth at `nowMs`. */
export function validityAt(times: SvidTimes, nowMs: number): 'held' | 'degraded' | 'expired' {
  if (nowMs >= times.notAfterMs) {
    return 'expired';
  }
  return nowMs >= degradedFromMs(times) ? 'degraded' : 'held';
}

/**
 * Milliseconds to the next attempt after a failed one. What the authority asked for wins; a final refusal waits 5 minutes (a changed token file ends the wait);
 * a degraded SVID is retried every min(30 s, life/20), half of that more or less; else 1, 2, 4 ... up to min(60 s, life/10) with full jitter.
 */
export function retryDelayMs(
  attempt: FailedAttempt,
  times: SvidTimes | undefined,
  nowMs: number,
  draw: number,
): number {
  if (attempt.retryAfterMs !== undefined) {
    return attempt.retryAfterMs;
  }
  if (attempt.isFinal) {
    return 5 * minuteMs;
  }
  if (times !== undefined && validityAt(times, nowMs) === 'degraded') {
    return Math.min(30_000, lifeMs(times) / 20) * (0.5 + draw);
  }
  const capMs = times === undefined ? minuteMs : Math.min(minuteMs, lifeMs(times) / 10);
  return Math.min(capMs, 1_000 * 2 ** Math.min(attempt.failures - 1, 16)) * draw;
}

function lifeMs({ receivedAtMs, notAfterMs }: SvidTimes): number {
  return Math.max(0, notAfterMs - receivedAtMs);
}
