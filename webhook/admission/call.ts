import type { Deadline } from '../../runtime/deadline.ts';
import type { AdmissionRequest } from './request.ts';

/** The two calls of the API server: a mutating and a validating one. */
export type Half = 'mutate' | 'validate';

/** One decoded review and what bounds its judgement. `signal` aborts when the client is gone or time is up. */
export interface Call {
  readonly half: Half;
  readonly request: AdmissionRequest;
  readonly decisionId: string;
  readonly deadline: Deadline;
  readonly signal: AbortSignal;
}
