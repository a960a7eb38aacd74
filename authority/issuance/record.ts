import type { AttestationFacts } from '../attestation/evidence.ts';
import type { Entitlement } from '../entitlement/entitle.ts';
import type { Refusal } from '../refusal.ts';
import type { MadeSvid } from './make-svid.ts';

/** What is recorded of an SVID before it leaves. `self`: the authority's own. */
export interface IssuanceRecord {
  readonly svid: MadeSvid;
  readonly authorityId: string;
  readonly entitlement: Entitlement;
  readonly csrSha256: string;
  readonly publicKeySha256: string;
  readonly requestedTtlSeconds: number | undefined;
  readonly attestation: AttestationFacts | 'self';
  readonly isTokenReused: boolean;
  readonly previousSerial?: string;
  readonly client?: { readonly address: string; readonly port: number };
  readonly traceId: string;
}

export interface DenialRecord {
  readonly refusal: Refusal;
  readonly facts: AttestationFacts;
  readonly requestedTtlSeconds: number | undefined;
  readonly client: { readonly address: string; readonly port: number };
  readonly traceId: string;
}

/** Where issuances are written down. No record, no SVID. */
export interface IssuanceRecorder {
  /** Resolves when the record is durable; rejects when it is not, and the SVID is dropped. */
  issued(record: IssuanceRecord): Promise<void>;
  /** Resolves when written. */
  denied(record: DenialRecord): Promise<void>;
}
