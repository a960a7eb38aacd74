import type { Certificate } from './certificate.ts';
import type { TrustDomain } from './trust-domain.ts';

/** Whom to believe about X.509-SVIDs of one trust domain. Never merged with the bundle of another (B-07). */
export interface X509Bundle {
  readonly trustDomain: TrustDomain;
  /** Anchors; they need not be self-signed. None: every SVID of the domain is invalid (B-04). */
  readonly authorities: readonly Certificate[];
}

/** A key that signs JWT-SVIDs. `jwk`: the members of the JWK as published, `use` and `kid` among them. */
export interface JwtAuthority {
  readonly keyId: string;
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** All that a trust domain publishes. */
export interface SpiffeBundle {
  readonly trustDomain: TrustDomain;
  readonly x509: X509Bundle;
  readonly jwtKeys: readonly JwtAuthority[];
  /** Grows with every change of content; at least 64 bits wide (B-02). */
  readonly sequence: bigint | undefined;
  /** How often to look for a newer one; absent means 300 (B-03). */
  readonly refreshHintSeconds: number | undefined;
}

/** A bundle bound to its trust domain. */
export function x509Bundle(trustDomain: TrustDomain, authorities: readonly Certificate[]): X509Bundle {
  return Object.freeze({ trustDomain, authorities: Object.freeze([...authorities]) });
}
