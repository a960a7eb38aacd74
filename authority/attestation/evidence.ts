import type { ProvenKey } from '../issuance/csr.ts';
import type { Refusal } from '../refusal.ts';
import type { CurrentSvid } from './current-svid.ts';
import type { AttestedPod } from './ports.ts';

/** What a caller shows. Nothing in it is believed before it is judged. */
export interface Evidence {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
  /** The SVID of a renewal, verified by the TLS edge. */
  readonly current?: CurrentSvid;
  readonly source: { readonly address: string; readonly port: number };
  /** The life asked for; a pod that asks for short ones comes back more often. */
  readonly requestedTtlSeconds?: number;
}

/** `token-review`: by token alone. `svid`: by token and current SVID. `cached`: by current SVID while the API server cannot be asked. */
export type AttestationMethod = 'token-review' | 'svid' | 'cached';

/** What became known on the way, for the audit event; of a refusal as far as it came. */
export interface AttestationFacts {
  readonly method: AttestationMethod;
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly pod?: string;
  readonly podUid?: string;
  readonly node?: string;
  readonly nodeUid?: string;
  readonly credentialId?: string;
  readonly tokenJti?: string;
  readonly tokenExpiry?: Date;
  readonly imageDigests?: readonly string[];
  /** Whether the caller came from an address of the pod; undefined before step 13 of `attest.ts`. */
  readonly addressMatches?: boolean;
  readonly key?: ProvenKey;
}

/** A pod that proved what it is. */
export interface Attested {
  readonly pod: AttestedPod;
  readonly key: ProvenKey;
  /** The token was seen with another key before: a restarted container, or a thief. */
  readonly isTokenReused: boolean;
  readonly previousSerial?: string;
}

export type Attestation =
  | { readonly ok: true; readonly value: Attested; readonly facts: AttestationFacts }
  | { readonly ok: false; readonly refusal: Refusal; readonly facts: AttestationFacts };
