import { Failure, type FailureDetails } from '../../runtime/failure.ts';

/**
 * How a call to the authority failed.
 *
 * `refused`: it answered with a refusal; `reason` is its word. `unreachable`: no connection or no answer in time. `untrusted`: whoever answered did
 * not prove to be the authority. `malformed-answer`: it answered something that is not of the contract.
 */
export type AuthorityFailureCode = 'refused' | 'unreachable' | 'untrusted' | 'malformed-answer';

export interface AuthorityFailureDetails extends FailureDetails {
  readonly reason: string;
  readonly status?: number;
  readonly retryAfterSeconds?: number;
}

/**
 * A call to the authority that gave no answer to use.
 *
 * `reason`: one word per cause, the authority's own where it refused, else the code. `status`: HTTP status of a refusal. `retryAfterSeconds`: when the
 * authority asked to be called again, which wins over any backoff. `isFinal`: this token will not be accepted later either (400, 401, 403).
 */
export class AuthorityFailure extends Failure<AuthorityFailureCode> {
  override readonly name = 'AuthorityFailure';
  readonly reason: string;
  readonly status: number | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly isFinal: boolean;

  constructor(code: AuthorityFailureCode, message: string, details: AuthorityFailureDetails) {
    const isFinal = details.status === 400 || details.status === 401 || details.status === 403;
    super(code, message, { isRetryable: !isFinal, fields: { reason: details.reason }, ...details });
    this.reason = details.reason;
    this.status = details.status;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.isFinal = isFinal;
  }
}

/** Nothing answered: a socket error, a time limit, a cut connection. */
export function unreachable(cause: unknown, message = 'the authority cannot be reached'): AuthorityFailure {
  return new AuthorityFailure('unreachable', message, { reason: 'unreachable', cause });
}

/** Somebody answered who did not prove to be the authority. `why`: the validator's code or clause. */
export function untrusted(why: string): AuthorityFailure {
  return new AuthorityFailure('untrusted', `the authority's certificate was not accepted: ${why}`, {
    reason: 'untrusted',
    fields: { reason: 'untrusted', why },
  });
}

/** The answer is not of the contract. */
export function malformedAnswer(what: string): AuthorityFailure {
  return new AuthorityFailure('malformed-answer', `the authority's answer is malformed: ${what}`, {
    reason: 'malformed-answer',
  });
}
