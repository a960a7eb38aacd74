import type { KeyObject } from 'node:crypto';

/** `jwt` keys come with JWT-SVIDs; their times are settled here already. */
export type KeyKind = 'x509' | 'jwt';

/** The public part of a key and its whole schedule, fixed at birth; what a `TrustBundle` holds of it. */
export interface KeyEntry {
  /** Subject key identifier as hex. */
  readonly id: string;
  readonly kind: KeyKind;
  /** `x509`: the anchor, DER. `jwt`: SubjectPublicKeyInfo, DER. */
  readonly public: Uint8Array;
  readonly preparedAt: Date;
  /** Signs from here on, unless marked active earlier. */
  readonly activeFrom: Date;
  /** Signs until here; its private part is dropped then. */
  readonly signUntil: Date;
  /** Nothing it signed is valid any more: the entry is pruned. */
  readonly notAfter: Date;
  /** Whether it was published a whole period before it signs. Founders' first keys and late ones were not. */
  readonly fullLead: boolean;
}

/** A key of the ring. One whose private part is not here was made by a process that is gone: it is trusted, and signs nothing. */
export interface RingKey {
  readonly entry: KeyEntry;
  readonly privateKey?: KeyObject;
  /** Stands in the object, as read back. No key signs before. */
  readonly isPublished: boolean;
  /** Set once, when enough of those who must trust it said that they do. */
  readonly activatedAt?: Date;
}

/** When the key starts to sign. */
export function activationOf({ entry, activatedAt }: RingKey): Date {
  return activatedAt !== undefined && activatedAt < entry.activeFrom ? activatedAt : entry.activeFrom;
}
