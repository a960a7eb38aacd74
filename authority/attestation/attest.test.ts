import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { requireSpiffeId } from '../../spiffe/spiffe-id.ts';
import { requireTrustDomain } from '../../spiffe/trust-domain.ts';
import { workloadId } from '../../spiffe/workload.ts';
import { attestedPod, namespaceFacts, unsignedToken } from '../../test/builders/attested-pod.ts';
import { certificationRequest } from '../../test/builders/certification-request.ts';
import { manualClock } from '../../test/builders/manual-clock.ts';
import { memoryNamespaceLookup } from '../cluster/memory-namespace-lookup.ts';
import { memoryPodLookup } from '../cluster/memory-pod-lookup.ts';
import { memoryTokenReviewer } from '../cluster/memory-token-reviewer.ts';
import { serialFor } from '../issuance/serial.ts';
import type { SignerSource } from '../issuance/signer.ts';
import { createGate } from '../limits/gate.ts';
import { issuanceLimits } from '../limits/issuance-limits.ts';
import type { RefusalReason } from '../refusal.ts';
import { type AttestorParts, createAttestor } from './attest.ts';
import type { Attestation, Evidence } from './evidence.ts';
import type { AttestedPod, TokenReviewAnswer } from './ports.ts';
import { cachedReviewer } from './review-cache.ts';
import { tokenBindings } from './token-binding.ts';

const trustDomain = requireTrustDomain('prod.example');
const audience = `sallyport-authority.${trustDomain}`;
const start = new Date('2026-01-01T00:00:00Z');
const pod = attestedPod();
const token = unsignedToken({ exp: start.getTime() / 1000 + 3600, jti: 'j-1' });
const random = (size: number): Uint8Array => new Uint8Array(size).fill(7);

const answer: Omit<TokenReviewAnswer, 'authenticated' | 'audiences'> = {
  username: 'system:serviceaccount:prod:web',
  uid: 'account-uid',
  extra: {
    'authentication.kubernetes.io/pod-name': [pod.name],
    'authentication.kubernetes.io/pod-uid': [pod.uid],
    'authentication.kubernetes.io/node-name': ['node-1'],
    'authentication.kubernetes.io/credential-id': ['JTI=j-1'],
  },
};

const someSigner: SignerSource = {
  signer: () => ({
    kind: 'signer',
    signer: Object.freeze({
      id: 'aa',
      get anchor(): never {
        throw new Error('unused');
      },
      get privateKey(): never {
        throw new Error('unused');
      },
    }),
  }),
  ownSigner: () => undefined,
};

function scene(tweak: Partial<AttestorParts> = {}, podTweak: Partial<AttestedPod> = {}) {
  const clock = manualClock(start);
  const reviewer = memoryTokenReviewer();
  reviewer.accept(token, answer, [audience]);
  const pods = memoryPodLookup(attestedPod(podTweak));
  const namespaces = memoryNamespaceLookup(namespaceFacts());
  const attestor = createAttestor({
    audience,
    reviewer,
    pods,
    namespaces,
    limits: issuanceLimits({ svidMs: 86_400_000, clock, random }),
    gate: createGate({ atOnce: 100, waiting: 1_000 }),
    signers: someSigner,
    bindings: tokenBindings(clock),
    idOf: ({ namespace, serviceAccount }) => workloadId(trustDomain, namespace, serviceAccount),
    sourceAddress: 'enforce',
    renewWithoutReviewMs: 60_000,
    retryAfterSeconds: () => 2,
    clock,
    ...tweak,
  });
  return { clock, reviewer, pods, namespaces, attestor };
}

function evidence(tweak: Partial<Evidence> = {}): Evidence {
  return {
    authorization: `Bearer ${token}`,
    csr: certificationRequest().csr,
    source: { address: '10.0.0.7', port: 40_000 },
    ...tweak,
  };
}

const current = (podUid: string = pod.uid, id = 'spiffe://prod.example/ns/prod/sa/web') => ({
  spiffeId: requireSpiffeId(id),
  serial: serialFor(podUid, random),
  notAfter: new Date(start.getTime() + 60_000),
});

const reasonOf = (attestation: Attestation): RefusalReason | 'attested' =>
  attestation.ok ? 'attested' : attestation.refusal.reason;

describe('attestation', () => {
  it('accepts a pod-bound token of an injected, running pod, and tells what it learned', async () => {
    const { attestor } = scene();
    const attestation = await attestor.attest(evidence());
    expect(reasonOf(attestation)).toBe('attested');
    expect(attestation.facts).toMatchObject({
      method: 'token-review',
      namespace: 'prod',
      serviceAccount: 'web',
      pod: 'web-1',
      podUid: pod.uid,
      node: 'node-1',
      credentialId: 'JTI=j-1',
      tokenJti: 'j-1',
      tokenExpiry: new Date(start.getTime() + 3_600_000),
      addressMatches: true,
    });
  });

  const shown: readonly (readonly [string, Partial<Evidence>, RefusalReason])[] = [
    ['1 no token', { authorization: undefined }, 'token-missing'],
    ['1 another scheme', { authorization: `Basic ${token}` }, 'token-missing'],
    ['1 two segments', { authorization: 'Bearer a.b' }, 'token-malformed'],
    ['1 more than 16 KiB', { authorization: `Bearer ${'a'.repeat(16_385)}.b.c` }, 'token-malformed'],
    ['1 a request that is no PKCS#10', { csr: Uint8Array.of(0x30, 0x00) }, 'csr-invalid'],
    ['1 more than 8 KiB', { csr: new Uint8Array(8_193) }, 'csr-invalid'],
    [
      '1 possession not proven',
      { csr: certificationRequest({ signWith: certificationRequest().key }).csr },
      'csr-invalid',
    ],
    ['1 a P-384 key', { csr: certificationRequest({ curve: 'P-384' }).csr }, 'key-type'],
    ['4 an unknown token', { authorization: `Bearer ${unsignedToken({ sub: 'x' })}` }, 'token-rejected'],
    [
      '12 an SVID of another id',
      { current: current(pod.uid, 'spiffe://prod.example/ns/prod/sa/other') },
      'svid-mismatch',
    ],
    ['12 an SVID of another pod', { current: current('another-uid') }, 'svid-mismatch'],
    ['13 another address', { source: { address: '10.0.0.8', port: 1 } }, 'address-mismatch'],
  ];
  it.each(shown)('step %s', async (_name, tweak, reason) => {
    expect(reasonOf(await scene().attestor.attest(evidence(tweak)))).toBe(reason);
  });

  it('step 2 the replica is over its limit, keys wait for the hold-down, or there are none', async () => {
    const clock = manualClock(start);
    const figures = {
      attestationsPerSecond: 1,
      attestationsBurst: 1,
      namespacePerSecond: 50,
      namespaceBurst: 200,
      podPerMinute: 10,
    };
    const busy = scene({ limits: issuanceLimits({ svidMs: 86_400_000, clock, random, figures }) }).attestor;
    await busy.attest(evidence());
    const limited = await busy.attest(evidence());
    expect(limited).toMatchObject({ refusal: { reason: 'rate-limited' } });
    expect(!limited.ok && (limited.refusal.retryAfterSeconds ?? 0) >= 1).toBe(true);
    const held: SignerSource = {
      signer: () => ({ kind: 'hold-down', retryAfterSeconds: 9 }),
      ownSigner: () => undefined,
    };
    expect(await scene({ signers: held }).attestor.attest(evidence())).toMatchObject({
      refusal: { reason: 'hold-down', retryAfterSeconds: 9 },
    });
    const none: SignerSource = { signer: () => ({ kind: 'none' }), ownSigner: () => undefined };
    expect(reasonOf(await scene({ signers: none }).attestor.attest(evidence()))).toBe('no-signer');
  });

  it('step 2 asks the API server nothing when a caller is over its limit', async () => {
    const clock = manualClock(start);
    const figures = {
      attestationsPerSecond: 1,
      attestationsBurst: 1,
      namespacePerSecond: 50,
      namespaceBurst: 200,
      podPerMinute: 10,
    };
    const { attestor, reviewer } = scene({ limits: issuanceLimits({ svidMs: 86_400_000, clock, random, figures }) });
    await attestor.attest(evidence());
    await attestor.attest(evidence());
    expect(reviewer.reviews()).toBe(1);
  });

  it('step 3 no answer is retried later, not refused for good', async () => {
    const { attestor, reviewer } = scene();
    reviewer.setReachable(false);
    expect(await attestor.attest(evidence())).toMatchObject({
      refusal: { reason: 'review-unavailable', retryAfterSeconds: 2 },
    });
  });

  it('step 3 too many reviews under way and waiting', async () => {
    const gate = createGate({ atOnce: 1, waiting: 0 });
    const release = Promise.withResolvers<void>();
    const holding = gate.pass(1, () => release.promise);
    expect(reasonOf(await scene({ gate }).attestor.attest(evidence()))).toBe('overloaded');
    release.resolve();
    await holding;
  });

  it('step 5 an API server that ignores audiences leaves the field empty, and is not believed', async () => {
    const reviewer = { review: () => Promise.resolve({ ...answer, authenticated: true, audiences: [] }) };
    expect(reasonOf(await scene({ reviewer }).attestor.attest(evidence()))).toBe('audience');
  });

  it('step 4 an error text refuses even what claims to be authenticated', async () => {
    const reviewer = {
      review: () => Promise.resolve({ ...answer, authenticated: true, audiences: [audience], error: 'odd' }),
    };
    expect(reasonOf(await scene({ reviewer }).attestor.attest(evidence()))).toBe('token-rejected');
  });

  const reviewed: readonly (readonly [string, Partial<TokenReviewAnswer>, RefusalReason])[] = [
    ['6 a person', { username: 'alice' }, 'not-a-service-account'],
    ['6 five parts', { username: 'system:serviceaccount:prod:web:x' }, 'not-a-service-account'],
    ['6 a name that is none', { username: 'system:serviceaccount:prod:We_b' }, 'not-a-service-account'],
    ['7 a legacy token', { extra: {} }, 'token-not-pod-bound'],
    [
      '7 two values',
      { extra: { ...answer.extra, 'authentication.kubernetes.io/pod-uid': ['a', 'b'] } },
      'token-not-pod-bound',
    ],
    ['8 no such pod', { extra: { ...answer.extra, 'authentication.kubernetes.io/pod-name': ['gone'] } }, 'pod-unknown'],
    [
      '8 a pod of the same name',
      { extra: { ...answer.extra, 'authentication.kubernetes.io/pod-uid': ['older'] } },
      'pod-uid-mismatch',
    ],
    [
      '10 another node',
      { extra: { ...answer.extra, 'authentication.kubernetes.io/node-name': ['node-2'] } },
      'node-mismatch',
    ],
  ];
  it.each(reviewed)('step %s', async (_name, tweak, reason) => {
    const reviewer = {
      review: () => Promise.resolve({ ...answer, authenticated: true, audiences: [audience], ...tweak }),
    };
    expect(reasonOf(await scene({ reviewer }).attestor.attest(evidence()))).toBe(reason);
  });

  const podCases: readonly (readonly [string, Partial<AttestedPod>, RefusalReason])[] = [
    ['9 another account', { serviceAccount: 'other' }, 'service-account-mismatch'],
    ['9 being deleted', { isBeingDeleted: true }, 'pod-terminating'],
    ['9 finished', { phase: 'Succeeded' }, 'pod-phase'],
    ['10 not bound to a node', { node: undefined }, 'node-unknown'],
    ['11 without our marker', { isInjected: false }, 'not-injected'],
  ];
  it.each(podCases)('step %s', async (_name, tweak, reason) => {
    expect(reasonOf(await scene({}, tweak).attestor.attest(evidence()))).toBe(reason);
  });

  it('step 11 a namespace that is not opted in', async () => {
    const { attestor, namespaces } = scene();
    namespaces.put(namespaceFacts({ isOptedIn: false }));
    expect(reasonOf(await attestor.attest(evidence()))).toBe('not-injected');
  });

  it('step 8 asks once for a pod that the watch has not seen yet', async () => {
    const pods = memoryPodLookup();
    pods.putUnseen(attestedPod());
    expect(reasonOf(await scene({ pods }).attestor.attest(evidence()))).toBe('attested');
  });

  it('step 12 a renewal of the same id and pod passes and names its predecessor', async () => {
    const held = current();
    const attestation = await scene().attestor.attest(evidence({ current: held }));
    expect(attestation).toMatchObject({ ok: true, value: { previousSerial: held.serial }, facts: { method: 'svid' } });
  });

  it('step 13 audit only records it, and IPv4 mapped into IPv6 is the same address', async () => {
    const elsewhere = evidence({ source: { address: '10.9.9.9', port: 1 } });
    expect(await scene({ sourceAddress: 'audit' }).attestor.attest(elsewhere)).toMatchObject({
      ok: true,
      facts: { addressMatches: false },
    });
    const mapped = evidence({ source: { address: '::ffff:10.0.0.7', port: 1 } });
    expect(reasonOf(await scene().attestor.attest(mapped))).toBe('attested');
  });

  it('step 13 waits for an address that nobody has reported yet, but not for ever', async () => {
    const late = scene({}, { addresses: [] });
    const waiting = late.attestor.attest(evidence());
    await late.clock.advance(500);
    late.pods.put(attestedPod());
    await late.clock.advance(500);
    expect(reasonOf(await waiting)).toBe('attested');

    const never = scene({}, { addresses: [] });
    const inVain = never.attestor.attest(evidence());
    await never.clock.advance(4_000);
    expect(await inVain).toMatchObject({ refusal: { reason: 'address-unknown', retryAfterSeconds: 2 } });
  });
});

describe('replay', () => {
  it('lets restarts use a token with ten more keys, shows each, and then no more', async () => {
    const { attestor, clock } = scene();
    const uses: unknown[] = [];
    for (let use = 0; use < 12; use += 1) {
      const attestation = await attestor.attest(evidence());
      uses.push(attestation.ok ? attestation.value.isTokenReused : attestation.refusal.reason);
      await clock.advance(60_000);
    }
    expect(uses).toEqual([false, ...Array.from({ length: 10 }, () => true), 'token-reused']);
  });

  it('does not count renewals, nor the same key again', async () => {
    const { attestor, clock } = scene();
    const same = evidence();
    await attestor.attest(same);
    expect(await attestor.attest(same)).toMatchObject({ value: { isTokenReused: false } });
    for (let renewal = 0; renewal < 15; renewal += 1) {
      await clock.advance(60_000);
      expect(await attestor.attest(evidence({ current: current() }))).toMatchObject({
        value: { isTokenReused: false },
      });
    }
    expect(await attestor.attest(same)).toMatchObject({ value: { isTokenReused: false } });
  });

  it('forgets a token when it expires', () => {
    const clock = manualClock(start);
    const bindings = tokenBindings(clock);
    const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
    for (let index = 0; index < 1_100; index += 1) {
      expect(bindings.use(digest(`t${index}`), 'k', new Date(start.getTime() - 1))).toBe('fresh');
    }
    expect(bindings.use(digest('t1'), 'another', start)).toBe('fresh');
  });
});

describe('while the API server is silent', () => {
  it('renews by current SVID and the watch, for as long as it may, and attests nobody new', async () => {
    const { attestor, reviewer, clock } = scene();
    await attestor.attest(evidence());
    reviewer.setReachable(false);
    await clock.advance(59_000);
    expect(await attestor.attest(evidence({ current: current() }))).toMatchObject({
      ok: true,
      facts: { method: 'cached', pod: 'web-1' },
    });
    expect(reasonOf(await attestor.attest(evidence()))).toBe('review-unavailable');
    await clock.advance(2_000);
    expect(reasonOf(await attestor.attest(evidence({ current: current() })))).toBe('review-unavailable');
  });

  it('renews nothing for a pod that is gone or going', async () => {
    const { attestor, reviewer, pods } = scene();
    reviewer.setReachable(false);
    pods.put(attestedPod({ isBeingDeleted: true }));
    expect(reasonOf(await attestor.attest(evidence({ current: current() })))).toBe('pod-terminating');
    pods.remove('prod', 'web-1');
    expect(reasonOf(await attestor.attest(evidence({ current: current() })))).toBe('review-unavailable');
  });
});

describe('reviews', () => {
  it('are asked once per token and ten seconds, failures at once again', async () => {
    const clock = manualClock(start);
    const inner = memoryTokenReviewer();
    inner.accept(token, answer, [audience]);
    const { attestor } = scene({ reviewer: cachedReviewer(inner, clock) });
    await attestor.attest(evidence());
    await attestor.attest(evidence());
    expect(inner.reviews()).toBe(1);
    await clock.advance(10_001);
    await attestor.attest(evidence());
    expect(inner.reviews()).toBe(2);
    inner.setReachable(false);
    await clock.advance(10_001);
    await attestor.attest(evidence());
    inner.setReachable(true);
    expect(reasonOf(await attestor.attest(evidence({ current: current() })))).toBe('attested');
  });
});
