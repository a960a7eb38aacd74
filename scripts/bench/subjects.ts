import { benchAdmission } from './admission.ts';
import type { Figure } from './figure.ts';
import { benchIssuance } from './issuance.ts';

/** One thing that is measured, by itself or with the others; each takes at most a minute. */
export interface Subject {
  readonly name: string;
  run(): Promise<readonly Figure[]>;
}

/** Every subject, in the order they run. */
export const subjects: readonly Subject[] = [
  { name: 'admission', run: benchAdmission },
  { name: 'issuance', run: benchIssuance },
];
