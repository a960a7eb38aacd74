/*
 * Every length of time in a key's life, from two settings: S, the longest life of an SVID, and R, the period in which keys follow each other.
 * All in milliseconds. R > S is what makes rotation safe: an SVID that is valid when a key becomes active, and the bundle beside it, were issued after
 * that key was prepared; its publication and the news of it may each be `slackMs` late.
 */
export interface KeyTimes {
  /** S. */
  readonly svidMs: number;
  /** R: the full lead of a key. */
  readonly periodMs: number;
  /** k: how far clocks may differ. */
  readonly clockErrorMs: number;
  /** H: how long a new key waits after a total loss. */
  readonly holdDownMs: number;
  /** Q: how late publication, and news of it, may each be. */
  readonly slackMs: number;
  /** b: the beat of housekeeping. */
  readonly beatMs: number;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** The least R that S and the refresh hint allow. */
export function leastPeriodMs(svidMs: number, refreshHintMs: number): number {
  return Math.max(1.25 * svidMs, 3 * Math.min(hour, svidMs), 5 * refreshHintMs);
}

/** The R of an operator who set none. */
export function defaultPeriodMs(svidMs: number): number {
  return Math.max(1.25 * svidMs, 3 * hour);
}

/** The table of times. `periodMs` is not checked against `leastPeriodMs`: the settings are. */
export function keyTimes(svidMs: number, periodMs: number = defaultPeriodMs(svidMs)): KeyTimes {
  return {
    svidMs,
    periodMs,
    clockErrorMs: Math.min(5 * minute, svidMs / 10),
    holdDownMs: Math.min(2 * minute, svidMs / 4),
    slackMs: (periodMs - svidMs) / 2,
    beatMs: Math.min(5 * second, svidMs / 24),
  };
}

/** How long after its last signature a key of this kind is still needed by what it signed. */
export function validityMs(kind: 'x509' | 'jwt', times: KeyTimes): number {
  return kind === 'x509' ? times.svidMs : Math.min(hour, times.svidMs);
}
