import { Failure, type FailureDetails } from '../failure.ts';

export type ClusterFailureCode =
  | 'not-found'
  | 'conflict'
  | 'already-exists'
  | 'forbidden'
  | 'unauthorized'
  | 'invalid'
  | 'too-many-requests'
  | 'gone'
  | 'rejected'
  | 'unavailable'
  | 'timeout'
  | 'malformed';

const retryable: readonly ClusterFailureCode[] = ['conflict', 'too-many-requests', 'unavailable', 'timeout'];

/**
 * The API server did not do what was asked. `rejected` is any other 4xx, an admission denial among them; `unavailable` a 5xx or no connection;
 * `malformed` an answer that is no JSON object of the expected form. The server's text is in the message, for the log.
 */
export class ClusterFailure extends Failure<ClusterFailureCode> {
  override readonly name = 'ClusterFailure';
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;
  /** Seconds the server asked to wait, where it did. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ClusterFailureCode,
    message: string,
    status: number,
    details: FailureDetails & { readonly retryAfterSeconds?: number } = {},
  ) {
    super(code, message, { isRetryable: retryable.includes(code), ...details });
    this.status = status;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

/** The code of an HTTP status and the `reason` of the `metav1.Status` beside it. */
export function codeOfStatus(status: number, reason: string): ClusterFailureCode {
  const byReason: Readonly<Record<string, ClusterFailureCode>> = {
    AlreadyExists: 'already-exists',
    Expired: 'gone',
    Invalid: 'invalid',
  };
  const byStatus: Readonly<Record<number, ClusterFailureCode>> = {
    401: 'unauthorized',
    403: 'forbidden',
    404: 'not-found',
    409: 'conflict',
    410: 'gone',
    422: 'invalid',
    429: 'too-many-requests',
  };
  return byReason[reason] ?? byStatus[status] ?? (status >= 500 ? 'unavailable' : 'rejected');
}
