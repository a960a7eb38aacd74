/** One measured figure. `value` is a median; `void` when its content, count or half-close could not be verified. */
export interface Figure {
  readonly name: string;
  readonly value: number | 'void';
  readonly unit: string;
  /** Smallest and largest round. */
  readonly range?: readonly [number, number];
  /** What is to be reached, in words, and whether it was. */
  readonly goal?: string;
  readonly met?: boolean;
}

/** The middle of the rounds, and their range. */
export function medianOf(rounds: readonly number[]): {
  readonly value: number;
  readonly range: readonly [number, number];
} {
  const sorted = rounds.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  return { value: middle, range: [sorted[0] ?? Number.NaN, sorted.at(-1) ?? Number.NaN] };
}

/** The value below which the given share (0 to 1) of the samples lies. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
