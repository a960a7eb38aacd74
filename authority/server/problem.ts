import type { Refusal as PublicRefusal } from '../client/messages.ts';
import type { Refusal, RefusalReason } from '../refusal.ts';

interface PublicForm {
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 429 | 500 | 503;
  readonly message: string;
  /** When to come back, where the refusal itself does not say. */
  readonly retryAfterSeconds?: number;
}

/** What each reason is to the outside. 400, 401 and 403 are final for this token; 429 and 503 say when to come back. */
export const publicForms: Readonly<Record<RefusalReason, PublicForm>> = {
  'token-missing': { status: 401, message: 'Send the pod’s projected token as a bearer token.' },
  'token-malformed': { status: 400, message: 'The token is not a service-account token of at most 16 KiB.' },
  'csr-invalid': { status: 400, message: 'The request is not a signed PKCS#10 request of at most 8 KiB.' },
  'key-type': { status: 400, message: 'Only P-256 keys are certified.' },
  'rate-limited': { status: 429, message: 'Too many requests.', retryAfterSeconds: 1 },
  overloaded: { status: 503, message: 'Too many requests wait already.', retryAfterSeconds: 1 },
  'hold-down': { status: 503, message: 'New keys wait until they are known everywhere.', retryAfterSeconds: 1 },
  'no-signer': { status: 503, message: 'No key may sign at the moment.', retryAfterSeconds: 1 },
  'review-unavailable': {
    status: 503,
    message: 'The API server could not be asked about the token.',
    retryAfterSeconds: 1,
  },
  'token-rejected': { status: 401, message: 'The API server did not accept the token.' },
  audience: { status: 401, message: 'The token was not made for this authority.' },
  'not-a-service-account': { status: 403, message: 'The token is not a service account’s.' },
  'token-not-pod-bound': { status: 403, message: 'The token is not bound to a pod.' },
  'pod-unknown': { status: 403, message: 'There is no such pod.' },
  'pod-uid-mismatch': { status: 403, message: 'The pod of that name is another one now.' },
  'service-account-mismatch': { status: 403, message: 'The pod runs as another service account.' },
  'pod-terminating': { status: 403, message: 'The pod is being deleted.' },
  'pod-phase': { status: 403, message: 'The pod neither runs nor is about to.' },
  'node-unknown': { status: 403, message: 'The pod is not bound to a node.' },
  'node-mismatch': { status: 403, message: 'The token was made for another node.' },
  'not-injected': { status: 403, message: 'The namespace is not opted in, or the pod carries no sidecar of ours.' },
  'svid-mismatch': { status: 403, message: 'The current SVID is not of this pod.' },
  'address-unknown': { status: 503, message: 'The pod’s address is not known yet.', retryAfterSeconds: 1 },
  'address-mismatch': { status: 403, message: 'The request does not come from the pod’s address.' },
  'token-reused': {
    status: 429,
    message: 'The token was used with too many keys; wait until it rotates.',
    retryAfterSeconds: 30,
  },
  'not-entitled': { status: 403, message: 'The workload’s names make no SPIFFE ID.' },
  lint: { status: 500, message: 'The certificate would have been wrong; none was signed.' },
  'audit-unavailable': { status: 503, message: 'The issuance could not be recorded.', retryAfterSeconds: 1 },
  'client-certificate-missing': { status: 401, message: 'Show the current SVID.' },
  'client-certificate-invalid': { status: 401, message: 'The SVID shown is not valid here.' },
  'unknown-stream': { status: 409, message: 'This replica does not serve that stream.' },
  'malformed-request': { status: 400, message: 'The request is not of the documented form.' },
  'body-too-large': { status: 413, message: 'The request has more than 64 KiB.' },
  'not-found': { status: 404, message: 'There is no such route.' },
  internal: { status: 500, message: 'Something is wrong on our side.' },
};

/** The public answer to a refusal. What the refusal keeps for the log stays out of it. */
export function publicAnswer(
  refusal: Refusal,
  traceId: string,
): { readonly status: number; readonly body: PublicRefusal } {
  const form = publicForms[refusal.reason];
  const retryAfterSeconds = refusal.retryAfterSeconds ?? form.retryAfterSeconds;
  const body = {
    reason: refusal.reason,
    message: form.message,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds: Math.round(retryAfterSeconds * 10) / 10 }),
    traceId,
  };
  return { status: form.status, body };
}
