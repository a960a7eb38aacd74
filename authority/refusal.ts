/*
 * Why the authority does not do what it was asked: one word per distinct cause, the same in answer, log, metric, audit event and the sidecar's readiness
 * page. `server/problem.ts` alone says what each becomes over HTTP.
 */

/** In the order in which they are found (the steps of `attestation/attest.ts`), then those of the other routes. */
export const refusalReasons = [
  'token-missing',
  'token-malformed',
  'csr-invalid',
  'key-type',
  'rate-limited',
  'overloaded',
  'hold-down',
  'no-signer',
  'review-unavailable',
  'token-rejected',
  'audience',
  'not-a-service-account',
  'token-not-pod-bound',
  'pod-unknown',
  'pod-uid-mismatch',
  'service-account-mismatch',
  'pod-terminating',
  'pod-phase',
  'node-unknown',
  'node-mismatch',
  'not-injected',
  'svid-mismatch',
  'address-unknown',
  'address-mismatch',
  'token-reused',
  'not-entitled',
  'lint',
  'audit-unavailable',
  'client-certificate-missing',
  'client-certificate-invalid',
  'unknown-stream',
  'malformed-request',
  'body-too-large',
  'not-found',
  'internal',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

/** `detail`: for the log and the audit event, never for the caller. `retryAfterSeconds`: when it may be worth asking again. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly detail?: string;
  readonly retryAfterSeconds?: number;
}

/** The value, or why not. */
export type Granted<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

export function granted<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function refuse(
  reason: RefusalReason,
  details: Omit<Refusal, 'reason'> = {},
): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: { reason, ...details } };
}
