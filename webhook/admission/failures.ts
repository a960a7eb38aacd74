import { Failure, type FailureDetails } from '../../runtime/failure.ts';

/** Why an answer could not be given. Our own fault or a dependency's: the manifest's `failurePolicy` decides, we never deny for it (AR-04). */
export type AdmissionFailureCode =
  /** Some watch cache has not synced yet. */
  | 'not-synced'
  /** A lookup in the API server failed. */
  | 'dependency'
  /** A rule in mode enforce could not decide. */
  | 'undecided'
  /** The audit log could not take what must be recorded before the answer. */
  | 'audit-unavailable'
  /** Time is up. */
  | 'deadline'
  /** A mistake of ours. */
  | 'bug';

/** HTTP status of each code. */
export const failureStatus: Readonly<Record<AdmissionFailureCode, 500 | 503 | 504>> = {
  'not-synced': 503,
  dependency: 503,
  undecided: 503,
  'audit-unavailable': 503,
  deadline: 504,
  bug: 500,
};

/** What the caller is told: a sentence that names no cause. The cause is logged under the correlation id. */
export const failureSentence: Readonly<Record<AdmissionFailureCode, string>> = {
  'not-synced': 'not ready to judge yet',
  dependency: 'a lookup failed',
  undecided: 'a rule could not decide',
  'audit-unavailable': 'the audit log is not available',
  deadline: 'out of time',
  bug: 'internal error',
};

export class AdmissionFailure extends Failure<AdmissionFailureCode> {
  override readonly name = 'AdmissionFailure';

  constructor(code: AdmissionFailureCode, details: FailureDetails = {}) {
    super(code, failureSentence[code], { isRetryable: code !== 'bug', ...details });
  }
}

/** Whatever was thrown, as one of our failures: what is not one already is a bug. */
export function asAdmissionFailure(error: unknown): AdmissionFailure {
  return error instanceof AdmissionFailure ? error : new AdmissionFailure('bug', { cause: error });
}
