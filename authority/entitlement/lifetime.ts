/** The shortest life an SVID may have, in seconds: below it clocks and renewals have no room. */
export const shortestTtlSeconds = 10;

/** The life granted: what was asked, but never more than `limitSeconds` and never less than 10 s. Nothing asked: the limit. */
export function grantedTtlSeconds(requested: number | undefined, limitSeconds: number): number {
  return Math.max(shortestTtlSeconds, Math.min(requested ?? limitSeconds, limitSeconds));
}
