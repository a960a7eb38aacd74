import { benchAdmission } from './admission.ts';
import { benchCeiling } from './ceiling.ts';
import type { Figure } from './figure.ts';
import { benchInbound } from './inbound.ts';
import { benchIssuance } from './issuance.ts';
import { benchStart } from './start.ts';

/** One thing that is measured, by itself or with the others; each takes at most a minute. */
export interface Subject {
  readonly name: string;
  run(): Promise<readonly Figure[]>;
}

/** Every subject, in the order they run. */
export const subjects: readonly Subject[] = [
  { name: 'admission', run: benchAdmission },
  { name: 'ceiling', run: benchCeiling },
  { name: 'issuance', run: benchIssuance },
  { name: 'inbound', run: benchInbound },
  { name: 'start', run: benchStart },
];
