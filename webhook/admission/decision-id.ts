import type { RandomBytes } from '../../runtime/random.ts';

/** Crockford's base32: no I, L, O, U, so that an id survives being read aloud. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Ten random characters that name one decision in message, log, audit event and annotation. 50 bits. */
export function newDecisionId(random: RandomBytes): string {
  return [...random(10)].map((byte) => alphabet.charAt(byte % alphabet.length)).join('');
}
