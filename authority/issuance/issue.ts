import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../runtime/clock.ts';
import type { RandomBytes } from '../../runtime/random.ts';
import type { SpiffeBundle } from '../../spiffe/trust-bundle.ts';
import type { Attestor } from '../attestation/attest.ts';
import type { AttestationFacts, Attested, Evidence } from '../attestation/evidence.ts';
import { type Entitlement, type EntitlementRules, entitle } from '../entitlement/entitle.ts';
import { type Granted, granted, type Refusal, refuse } from '../refusal.ts';
import { type MadeSvid, makeSvid } from './make-svid.ts';
import type { DenialRecord, IssuanceRecord, IssuanceRecorder } from './record.ts';
import type { BundleSource, CurrentSigner, SignerSource } from './signer.ts';

/*
 * attest -> entitle -> profile -> throwaway signature -> lints -> sign -> read back -> verify -> record -> answer.
 */

export interface IssuerParts {
  readonly attestor: Attestor;
  readonly rules: EntitlementRules;
  readonly signers: SignerSource;
  readonly bundles: BundleSource;
  readonly throwawayKey: KeyObject;
  readonly recorder: IssuanceRecorder;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export interface IssueRequest extends Evidence {
  readonly traceId: string;
}

/** `facts` and `svid`: for metrics and logs. */
export interface IssuedSvid {
  readonly svid: MadeSvid;
  readonly entitlement: Entitlement;
  readonly facts: AttestationFacts;
  readonly bundle: SpiffeBundle;
}

/** An SVID that was recorded, or why there is none; a refusal is recorded too. Does not throw. */
export async function issue(request: IssueRequest, parts: IssuerParts): Promise<Granted<IssuedSvid>> {
  const attestation = await parts.attestor.attest(request);
  const { facts } = attestation;
  if (!attestation.ok) {
    return deny(attestation.refusal, request, facts, parts);
  }
  const entitlement = entitle(attestation.value.pod, request.requestedTtlSeconds, parts.rules);
  if (!entitlement.ok) {
    return deny(entitlement.refusal, request, facts, parts);
  }
  const made = make(attestation.value, entitlement.value, parts);
  if (!made.ok) {
    return deny(made.refusal, request, facts, parts);
  }
  const { svid, signer, bundle } = made.value;
  const record = recordOf(request, attestation.value, facts, { svid, signer, entitlement: entitlement.value });
  const recorded = await settle(parts.recorder.issued(record));
  return recorded ? granted({ svid, entitlement: entitlement.value, facts, bundle }) : refuse('audit-unavailable');
}

interface Made {
  readonly svid: MadeSvid;
  readonly signer: CurrentSigner;
  readonly bundle: SpiffeBundle;
}

function make(attested: Attested, entitlement: Entitlement, parts: IssuerParts): Granted<Made> {
  const state = parts.signers.signer();
  const bundle = parts.bundles.current();
  if (state.kind !== 'signer' || bundle === undefined) {
    return refuse('no-signer');
  }
  const svid = makeSvid({
    order: {
      spiffeId: entitlement.spiffeId,
      spki: attested.key.spki,
      podUid: attested.pod.uid,
      ttlSeconds: entitlement.ttlSeconds,
    },
    signer: state.signer,
    throwawayKey: parts.throwawayKey,
    bundle: bundle.x509,
    now: parts.clock.now(),
    random: parts.random,
  });
  return svid.ok ? granted({ svid: svid.value, signer: state.signer, bundle }) : svid;
}

function recordOf(
  request: IssueRequest,
  attested: Attested,
  facts: AttestationFacts,
  made: Pick<Made, 'svid' | 'signer'> & { readonly entitlement: Entitlement },
): IssuanceRecord {
  return {
    svid: made.svid,
    authorityId: made.signer.id,
    entitlement: made.entitlement,
    csrSha256: attested.key.csrSha256,
    publicKeySha256: attested.key.publicKeySha256,
    requestedTtlSeconds: request.requestedTtlSeconds,
    attestation: facts,
    isTokenReused: attested.isTokenReused,
    ...(attested.previousSerial === undefined ? {} : { previousSerial: attested.previousSerial }),
    client: request.source,
    traceId: request.traceId,
  };
}

/** A refusal stands whether or not it could be written down. */
async function deny(
  refusal: Refusal,
  request: IssueRequest,
  facts: AttestationFacts,
  parts: IssuerParts,
): Promise<Granted<never>> {
  const record: DenialRecord = {
    refusal,
    facts,
    requestedTtlSeconds: request.requestedTtlSeconds,
    client: request.source,
    traceId: request.traceId,
  };
  await settle(parts.recorder.denied(record));
  return { ok: false, refusal };
}

async function settle(recording: Promise<void>): Promise<boolean> {
  return recording.then(
    () => true,
    () => false,
  );
}
