import { findingsOf, type Lint } from '../lint.ts';

const day = 24 * 60 * 60 * 1000;

/** INV-2: nothing lives longer than a day, nor than was granted, nor than its signer. */
export const lifetime: Lint = {
  id: 'lifetime',
  title: 'A leaf lives less than 24 h, no longer than granted, and within its signer',
  source: 'RFC 5280, 4.1.2.5; INV-2',
  check({ certificate, anchor, now, ttlSeconds }) {
    const begin = certificate.notBefore.getTime();
    const end = certificate.notAfter.getTime();
    return findingsOf(
      [end - begin >= day, 'lives 24 h or more'],
      [end - now.getTime() > ttlSeconds * 1000, 'lives longer than granted'],
      [end > anchor.notAfter.getTime(), 'outlives its signer'],
      [begin > now.getTime() || end <= now.getTime(), 'is not valid now'],
    );
  },
};
