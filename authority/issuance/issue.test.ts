import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../audit/event.ts';
import { auditEvent } from '../../audit/event.ts';
import { requireParsed } from '../../runtime/parsed.ts';
import { parseCertificate } from '../../spiffe/certificate.ts';
import { x509Bundle } from '../../spiffe/trust-bundle.ts';
import { requireTrustDomain } from '../../spiffe/trust-domain.ts';
import { attestedPod } from '../../test/builders/attested-pod.ts';
import { certificationRequest } from '../../test/builders/certification-request.ts';
import { manualClock } from '../../test/builders/manual-clock.ts';
import type { Attestation } from '../attestation/evidence.ts';
import { auditRecorder } from '../audit-recorder.ts';
import { parseIdTemplate } from '../entitlement/id-template.ts';
import { createAnchor } from '../keys/anchor.ts';
import { birthOfFirst } from '../keys/key-schedule.ts';
import { keyTimes } from '../keys/key-times.ts';
import { proveKey } from './csr.ts';
import { type IssuerParts, issue } from './issue.ts';
import { issueOwn } from './issue-own.ts';

const trustDomain = requireTrustDomain('prod.example');
const clock = manualClock();
const random = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));
const times = keyTimes(60_000);
const signing = createAnchor({ birth: birthOfFirst('x509', clock.now(), 'none', times), trustDomain, times, random });
const anchor = requireParsed(parseCertificate(signing.entry.public));
const signer = { id: signing.entry.id, anchor, privateKey: signing.privateKey };
const { csr } = certificationRequest();
const request = { authorization: 'x', csr, source: { address: '10.0.0.7', port: 1 }, traceId: '0'.repeat(31) + '1' };

function attestation(tweak: Partial<Extract<Attestation, { ok: true }>['value']> = {}): Attestation {
  const key = proveKey(csr);
  if (!key.ok) {
    throw new TypeError('a good request');
  }
  const facts = {
    method: 'token-review',
    namespace: 'prod',
    serviceAccount: 'web',
    pod: 'web-1',
    podUid: attestedPod().uid,
  } as const;
  return { ok: true, value: { pod: attestedPod(), key: key.value, isTokenReused: false, ...tweak }, facts };
}

function parts(outcome: Attestation, append: (event: AuditEvent) => Promise<void>): IssuerParts {
  return {
    attestor: { attest: () => Promise.resolve(outcome) },
    rules: {
      trustDomain,
      cluster: 'test',
      template: requireParsed(parseIdTemplate('/ns/{namespace}/sa/{serviceAccount}')),
      ttlLimitSeconds: 60,
    },
    signers: { signer: () => ({ kind: 'signer', signer }), ownSigner: () => signer },
    bundles: {
      current: () => ({
        trustDomain,
        x509: x509Bundle(trustDomain, [anchor]),
        jwtKeys: [],
        sequence: 7n,
        refreshHintSeconds: 300,
      }),
    },
    throwawayKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    recorder: auditRecorder({ append }),
    clock,
    random,
  };
}

/** A log that keeps events which fit the vocabulary, and refuses others. */
function keepingLog(): { readonly events: AuditEvent[]; append(event: AuditEvent): Promise<void> } {
  const events: AuditEvent[] = [];
  return {
    events,
    append(event) {
      events.push(auditEvent.parse(event));
      return Promise.resolve();
    },
  };
}

describe('issue', () => {
  it('records an SVID before it answers, and answers what was recorded', async () => {
    const log = keepingLog();
    const issued = await issue({ ...request, requestedTtlSeconds: 30 }, parts(attestation(), log.append));
    expect(issued.ok).toBe(true);
    const profile = issued.ok ? issued.value.svid.profile : undefined;
    expect(log.events).toMatchObject([
      {
        event: 'identity.issued',
        outcome: 'granted',
        spiffeId: 'spiffe://prod.example/ns/prod/sa/web',
        ttlSeconds: 30,
        requestedTtlSeconds: 30,
        svid: { serial: profile?.serial, authorityId: signer.id },
      },
    ]);
  });

  it('gives no SVID without a record', async () => {
    const outcome = await issue(
      request,
      parts(attestation(), () => Promise.reject(new Error('disk full'))),
    );
    expect(outcome).toEqual({ ok: false, refusal: { reason: 'audit-unavailable' } });
  });

  it('records a renewal with its predecessor, and a token seen with another key', async () => {
    const log = keepingLog();
    await issue(request, parts(attestation({ previousSerial: 'ab', isTokenReused: true }), log.append));
    expect(log.events).toMatchObject([
      {
        event: 'identity.renewed',
        previousSerial: 'ab',
        reasonCode: 'token-reused',
        attestation: { tokenReused: true },
      },
    ]);
  });

  it('records a refusal with its reason and what was known, and the refusal stands when it cannot', async () => {
    const refused: Attestation = {
      ok: false,
      refusal: { reason: 'pod-unknown' },
      facts: { method: 'token-review', namespace: 'prod', serviceAccount: 'web', pod: 'gone' },
    };
    const log = keepingLog();
    expect(await issue(request, parts(refused, log.append))).toEqual({ ok: false, refusal: { reason: 'pod-unknown' } });
    expect(log.events).toMatchObject([
      {
        event: 'identity.denied',
        reasonCode: 'pod-unknown',
        target: { kind: 'Pod', name: 'gone' },
        requested: 'prod/web',
      },
    ]);
    const unwritten = parts(refused, () => Promise.reject(new Error('disk full')));
    expect(await issue(request, unwritten)).toEqual({ ok: false, refusal: { reason: 'pod-unknown' } });
  });

  it('refuses names that make no SPIFFE ID', async () => {
    const odd = attestation({ pod: attestedPod({ serviceAccount: 'we b' }) });
    expect(await issue(request, parts(odd, keepingLog().append))).toMatchObject({
      refusal: { reason: 'not-entitled' },
    });
  });

  it('lowers a requested life to the limit and never raises it', async () => {
    const lives: number[] = [];
    for (const requestedTtlSeconds of [1, 10, 59, 60, 3_600]) {
      const issued = await issue({ ...request, requestedTtlSeconds }, parts(attestation(), keepingLog().append));
      lives.push(issued.ok ? issued.value.entitlement.ttlSeconds : 0);
    }
    expect(lives).toEqual([10, 10, 59, 60, 60]);
  });
});

describe('the authority’s own SVID', () => {
  it('is issued though workloads must wait, and recorded as its own', async () => {
    const log = keepingLog();
    const holding = {
      ...parts(attestation(), log.append),
      signers: { signer: () => ({ kind: 'none' }) as const, ownSigner: () => signer },
    };
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const own = { namespace: 'sallyport-system', serviceAccount: 'sallyport-authority', podUid: 'own' };
    expect((await issueOwn(own, publicKey, holding, 't')).ok).toBe(true);
    expect(log.events).toMatchObject([{ event: 'identity.issued', attestation: { method: 'self' } }]);
    expect(await issue(request, holding)).toMatchObject({ refusal: { reason: 'no-signer' } });
  });
});
