/** What is known of a failure besides its sentence. Nothing in it may be secret: it is logged. */
export interface FailureDetails {
  readonly isRetryable?: boolean;
  readonly cause?: unknown;
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Our own fault or that of something we depend on, as opposed to a denial (a finding) or a refusal (a peer not let in).
 *
 * Each folder derives one class with a closed union of codes in its `failures.ts`; callers branch on `code`, never on text.
 */
export abstract class Failure<Code extends string = string> extends Error {
  abstract override readonly name: string;
  readonly code: Code;
  readonly isRetryable: boolean;
  readonly fields: Readonly<Record<string, string | number | boolean>>;

  constructor(code: Code, message: string, details: FailureDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.isRetryable = details.isRetryable ?? false;
    this.fields = details.fields ?? {};
  }
}
