/*
 * Two closed sets. Every refused connection has one of `refusalReasons`, every carried one ends by one of `endReasons`: the same word in
 * log, metric and audit event. Words are never renamed or reused. Those of capture `redirect` come with it.
 */

/** Why a connection was not carried. */
export const refusalReasons = [
  'connection-limit',
  'handshake-limit',
  'first-byte-timeout',
  'handshake-timeout',
  'plaintext',
  'tls-protocol',
  'no-client-certificate',
  'tls-untrusted',
  'peer-invalid',
  'peer-domain-unknown',
  'resumed',
  'access-denied',
  'identity-expired',
  'draining',
  'app-refused',
  'app-timeout',
  'destination-unknown',
  'directory-unavailable',
  'no-endpoint',
  'connect-failed',
  'connect-timeout',
  'handshake-failed',
  'peer-id-mismatch',
] as const;

/** How a carried connection ended. */
export const endReasons = [
  'eof',
  'reset',
  'idle-timeout',
  'half-close-timeout',
  'max-age',
  'trust-removed',
  'policy-changed',
  'drain-timeout',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];
export type EndReason = (typeof endReasons)[number];

/** Seen from the pod: `inbound` is served by its application, `outbound` was opened by it. */
export type Direction = 'inbound' | 'outbound';

/** A connection that is not carried, and why. `detail`: a closed word of a library, such as OpenSSL's code; never text of the peer. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly detail?: string;
}
