/*
 * How long a connection may live: no longer than the SVIDs it was made with. Pure, in milliseconds of the wall clock.
 *
 *   opened ................ last tenth of the life (at most 1 h) ........ deadline
 *                           ends at the first quiet point                 reset
 */

const hourMs = 3_600_000;
const longestSpreadMs = 5 * 60_000;

/** What bounds the life of a connection. */
export interface AgeBounds {
  readonly openedAtMs: number;
  /** The earliest end of validity on the peer's path, and of the own leaf. */
  readonly notAfterMs: readonly number[];
  readonly maxAgeMs?: number;
}

/** From when a quiet moment ends the connection, and when it is reset. Infinite where nothing bounds it. */
export interface ConnectionAge {
  readonly quietFromMs: number;
  readonly deadlineMs: number;
}

/** `draw` in [0, 1) spreads the deadlines of connections that began together over min(5 min, a tenth of the life). */
export function connectionAge({ openedAtMs, notAfterMs, maxAgeMs }: AgeBounds, draw: number): ConnectionAge {
  const endMs = Math.min(...notAfterMs, maxAgeMs === undefined ? Number.POSITIVE_INFINITY : openedAtMs + maxAgeMs);
  if (endMs === Number.POSITIVE_INFINITY) {
    return { quietFromMs: endMs, deadlineMs: endMs };
  }
  const lifeMs = Math.max(0, endMs - openedAtMs);
  const deadlineMs = endMs - draw * Math.min(longestSpreadMs, lifeMs / 10);
  return { quietFromMs: deadlineMs - Math.min(hourMs, lifeMs / 10), deadlineMs };
}
