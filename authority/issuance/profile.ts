import type { RandomBytes } from '../../runtime/random.ts';
import type { Certificate } from '../../spiffe/certificate.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import { serialFor } from './serial.ts';
import { keyIdentifier } from './tbs.ts';

const second = 1000;
const day = 24 * 60 * 60 * second;
const longestBackdatingMs = 2 * 60 * second;

/** Everything a leaf will say; times in whole seconds. */
export interface LeafProfile {
  /** 16 bytes as hex. */
  readonly serial: string;
  readonly spiffeId: SpiffeId;
  readonly spki: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The anchor's subject, DER. */
  readonly issuer: Uint8Array;
  readonly subjectKeyId: Uint8Array;
  readonly authorityKeyId: Uint8Array;
}

/** What a leaf is made for. */
export interface LeafOrder {
  readonly spiffeId: SpiffeId;
  readonly spki: Uint8Array;
  readonly podUid: string;
  readonly ttlSeconds: number;
}

/**
 * The one profile of leaves. Backdated by a tenth of the life, 2 min at most, against slow clocks; never past the anchor, and never 24 h or more from end to
 * end, as an auditor counts.
 */
export function leafProfile(order: LeafOrder, anchor: Certificate, now: Date, random: RandomBytes): LeafProfile {
  const ttlMs = order.ttlSeconds * second;
  const notBefore = wholeSeconds(now.getTime() - Math.min(longestBackdatingMs, ttlMs / 10));
  const notAfter = wholeSeconds(
    Math.min(now.getTime() + ttlMs - second, notBefore.getTime() + day - second, anchor.notAfter.getTime()),
  );
  return {
    serial: serialFor(order.podUid, random),
    spiffeId: order.spiffeId,
    spki: order.spki,
    notBefore,
    notAfter,
    issuer: anchor.subject,
    subjectKeyId: keyIdentifier(order.spki),
    authorityKeyId: anchor.subjectKeyId ?? keyIdentifier(anchor.publicKeySpki),
  };
}

function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / second) * second);
}
