const defaultSeconds = 10;
const longestSeconds = 30;

/** Time left for the answer to travel. */
const marginMs = 500;

/**
 * How long a review may take, in milliseconds, from the `timeout` the API server puts into the query: whole seconds from 1 to 30, anything else counts as 10
 * (AR-06). Half a second of it is kept for the way back.
 */
export function requestBudgetMs(timeout: unknown): number {
  const match = typeof timeout === 'string' ? /^([0-9]{1,2})s$/.exec(timeout) : null;
  const seconds = Number(match?.[1] ?? defaultSeconds);
  return (seconds >= 1 && seconds <= longestSeconds ? seconds : defaultSeconds) * 1_000 - marginMs;
}
