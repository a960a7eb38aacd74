import { randomBytes } from 'node:crypto';

/** Randomness as an argument: `size` bytes. */
export type RandomBytes = (size: number) => Uint8Array;

/** The operating system's generator. */
export const systemRandom: RandomBytes = (size) => randomBytes(size);

/** A number in [0, 1) with 48 random bits. */
export function uniform(random: RandomBytes): number {
  const bytes = random(6);
  return Buffer.from(bytes).readUIntBE(0, 6) / 2 ** 48;
}

/** A number in [low, high). */
export function uniformBetween(random: RandomBytes, low: number, high: number): number {
  return low + (high - low) * uniform(random);
}
