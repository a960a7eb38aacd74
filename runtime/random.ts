import { randomFillSync } from 'node:crypto';

/** Randomness as an argument: `size` bytes. */
export type RandomBytes = (size: number) => Uint8Array;

const poolBytes = 4_096;

/** The operating system's generator, asked for 4 KiB at a time; what was handed out is wiped from the pool. */
export const systemRandom: RandomBytes = pooled(() => randomFillSync(Buffer.allocUnsafeSlow(poolBytes)));

function pooled(fill: () => Buffer): RandomBytes {
  let pool: Buffer = Buffer.alloc(0);
  return (size) => {
    if (size > poolBytes) {
      return randomFillSync(Buffer.allocUnsafeSlow(size));
    }
    if (pool.length < size) {
      pool = fill();
    }
    const bytes = Uint8Array.from(pool.subarray(0, size));
    pool.fill(0, 0, size);
    pool = pool.subarray(size);
    return bytes;
  };
}

/** A number in [0, 1) with 48 random bits. */
export function uniform(random: RandomBytes): number {
  const bytes = random(6);
  return Buffer.from(bytes).readUIntBE(0, 6) / 2 ** 48;
}

/** A number in [low, high). */
export function uniformBetween(random: RandomBytes, low: number, high: number): number {
  return low + (high - low) * uniform(random);
}
