/** Choices that a seed decides wholly, so that every run can be repeated. */
export interface Chooser {
  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number;
  /** One of the values, of which there must be one. */
  pick<T>(values: readonly [T, ...T[]]): T;
}

/** Mulberry32: short, quick and good enough to choose by. */
export function chooser(seed: number): Chooser {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  return { below, pick: ([first, ...rest]) => [first, ...rest][below(rest.length + 1)] ?? first };
}

/** A copy with one to three faults: a bit flipped, a byte set to a telling value, a range dropped, doubled or put elsewhere, the end cut. */
export function mutateBytes(choose: Chooser, input: Uint8Array, telling: readonly [number, ...number[]]): Buffer {
  let bytes = Buffer.from(input);
  for (let faults = choose.below(3); faults >= 0; faults -= 1) {
    bytes = mutateOnce(choose, bytes, telling);
  }
  return bytes;
}

/** Calls `attempt` until the budget is used up; gives how often. A failure of it is thrown on with the seed and the number of the attempt. */
export function repeatFor(budgetMs: number, seed: number, attempt: (choose: Chooser) => void): number {
  const choose = chooser(seed);
  const end = performance.now() + budgetMs;
  let attempts = 0;
  while (performance.now() < end) {
    try {
      attempt(choose);
    } catch (cause: unknown) {
      throw new Error(`attempt ${attempts} with seed ${seed} failed`, { cause });
    }
    attempts += 1;
  }
  return attempts;
}

function mutateOnce(
  choose: Chooser,
  bytes: Buffer<ArrayBuffer>,
  telling: readonly [number, ...number[]],
): Buffer<ArrayBuffer> {
  const at = choose.below(bytes.length + 1);
  const range = bytes.subarray(at, at + 1 + choose.below(8));
  const before = bytes.subarray(0, at);
  const after = bytes.subarray(at + range.length);
  switch (choose.below(7)) {
    case 0:
      return Buffer.concat([
        before,
        range.map((byte, index) => (index === 0 ? byte ^ (1 << choose.below(8)) : byte)),
        after,
      ]);
    case 1:
      return Buffer.concat([before, Buffer.of(choose.pick(telling)), bytes.subarray(at + 1)]);
    case 2:
      return Buffer.concat([before, Buffer.of(choose.pick(telling)), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([before, after]);
    case 4:
      return Buffer.concat([before, range, range, after]);
    case 5: {
      const rest = Buffer.concat([before, after]);
      const elsewhere = choose.below(rest.length + 1);
      return Buffer.concat([rest.subarray(0, elsewhere), range, rest.subarray(elsewhere)]);
    }
    default:
      return Buffer.from(choose.below(8) === 0 ? before : bytes);
  }
}
