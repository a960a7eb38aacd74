import { createHash } from 'node:crypto';
import type { AuditEvent } from '../audit/event.ts';
import type { AttestationFacts } from './attestation/evidence.ts';
import type { TrustRecorder } from './bundles/ports.ts';
import type { DenialRecord, IssuanceRecord, IssuanceRecorder } from './issuance/record.ts';

/** Where events go: the program's audit log. */
export interface EventSink {
  append(event: AuditEvent): Promise<void>;
}

type IssuedEvent = Extract<AuditEvent, { event: 'identity.issued' }>;
type AttestationField = IssuedEvent['attestation'];

/** Issuances, refusals and the life of keys as audit events. An issuance is durable when `issued` resolves. */
export function auditRecorder(sink: EventSink): IssuanceRecorder & TrustRecorder {
  return {
    issued: (record) => sink.append(issuanceEvent(record)),
    denied: (record) => sink.append(denialEvent(record)),
    bundleChanged: ({ sequence, added, removed, source }) =>
      sink.append({
        event: 'bundle.changed',
        outcome: 'info',
        sequence: String(sequence),
        added: [...added],
        removed: [...removed],
        source,
      }),
    keyStepped: ({ kind, key }) =>
      sink.append({
        event: `authority.${kind}`,
        outcome: 'info',
        keyId: key.id,
        purpose: key.kind,
        activeFrom: key.activeFrom.toISOString(),
        signUntil: key.signUntil.toISOString(),
        notAfter: key.notAfter.toISOString(),
      }),
  };
}

function issuanceEvent(record: IssuanceRecord): AuditEvent {
  const { svid, entitlement, previousSerial } = record;
  const { profile, der } = svid;
  const shared = {
    outcome: 'granted' as const,
    ...(record.isTokenReused ? { reasonCode: 'token-reused' } : {}),
    principal: { kind: 'workload' as const, spiffeId: entitlement.spiffeId.text, serial: profile.serial },
    correlation: correlationOf(record.traceId, record.attestation, entitlement.entryId),
    ...(record.client === undefined ? {} : { client: record.client }),
    spiffeId: entitlement.spiffeId.text,
    entryId: entitlement.entryId,
    entryRevision: entitlement.entryRevision,
    svid: {
      kind: 'x509' as const,
      serial: profile.serial,
      sha256: createHash('sha256').update(der).digest('hex'),
      notBefore: profile.notBefore.toISOString(),
      notAfter: profile.notAfter.toISOString(),
      authorityId: record.authorityId,
    },
    csrSha256: record.csrSha256,
    publicKeySha256: record.publicKeySha256,
    requestedTtlSeconds: record.requestedTtlSeconds ?? null,
    ttlSeconds: entitlement.ttlSeconds,
    attestation: attestationField(record.attestation, record.isTokenReused),
  };
  return previousSerial === undefined
    ? { event: 'identity.issued', ...shared }
    : { event: 'identity.renewed', ...shared, previousSerial };
}

function denialEvent({ refusal, facts, client, traceId }: DenialRecord): AuditEvent {
  const { namespace, serviceAccount, pod, podUid } = facts;
  return {
    event: 'identity.denied',
    outcome: 'refused',
    reasonCode: refusal.reason,
    ...(pod === undefined
      ? {}
      : {
          target: {
            kind: 'Pod',
            name: pod,
            ...(namespace === undefined ? {} : { namespace }),
            ...(podUid === undefined ? {} : { uid: podUid }),
          },
        }),
    correlation: correlationOf(traceId, facts, undefined),
    client,
    attestation: attestationField(facts, refusal.reason === 'token-reused'),
    ...(namespace === undefined || serviceAccount === undefined ? {} : { requested: `${namespace}/${serviceAccount}` }),
  };
}

function correlationOf(
  traceId: string,
  facts: AttestationFacts | 'self',
  entryId: string | undefined,
): NonNullable<AuditEvent['correlation']> {
  const credentialId = facts === 'self' ? undefined : facts.credentialId;
  return {
    traceId,
    ...(entryId === undefined ? {} : { entryId }),
    ...(credentialId === undefined ? {} : { credentialId }),
  };
}

function attestationField(facts: AttestationFacts | 'self', tokenReused: boolean): AttestationField {
  if (facts === 'self') {
    return { method: 'self' };
  }
  const { method, namespace, serviceAccount, pod, podUid, node, nodeUid, credentialId, addressMatches } = facts;
  return {
    method,
    ...(namespace === undefined ? {} : { namespace }),
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
    ...(pod === undefined ? {} : { pod }),
    ...(podUid === undefined ? {} : { podUid }),
    ...(node === undefined ? {} : { node }),
    ...(nodeUid === undefined ? {} : { nodeUid }),
    ...(credentialId === undefined ? {} : { credentialId }),
    ...(tokenReused ? { tokenReused } : {}),
    ...(addressMatches === undefined ? {} : { addressMatched: addressMatches }),
  };
}
