import { fuzzReview } from './review.ts';
import { fuzzBundle, fuzzCertificate, fuzzSpiffeId } from './spiffe.ts';

/** Feeds hostile input for `budgetMs`, drawn from `seed`; gives how many inputs were tried, and throws with seed and attempt when one crashed or was let in. */
export interface FuzzTarget {
  readonly name: string;
  readonly fuzz: (seed: number, budgetMs: number) => number;
}

/** Everything that parses untrusted bytes. */
export const targets: readonly FuzzTarget[] = [
  { name: 'admission review', fuzz: fuzzReview },
  { name: 'SPIFFE ID', fuzz: fuzzSpiffeId },
  { name: 'trust bundle', fuzz: fuzzBundle },
  { name: 'certificate and path', fuzz: fuzzCertificate },
];
