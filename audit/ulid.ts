import type { RandomBytes } from '../runtime/random.ts';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID: 48 bits of milliseconds and 80 random bits, 26 characters of Crockford's base32; sorts by time. */
export function ulid(at: Date, random: RandomBytes): string {
  const noise = random(10).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  let value = (BigInt(at.getTime()) << 80n) | noise;
  let text = '';
  for (let index = 0; index < 26; index += 1) {
    text = (alphabet[Number(value & 31n)] ?? '0') + text;
    value >>= 5n;
  }
  return text;
}
