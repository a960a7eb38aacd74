import { createHash } from 'node:crypto';
import { type Clock, sleep } from '../../runtime/clock.ts';
import type { Parsed } from '../../runtime/parsed.ts';
import type { Secret } from '../../runtime/secret.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { Workload } from '../../spiffe/workload.ts';
import { shortestTtlSeconds } from '../entitlement/lifetime.ts';
import { type ProvenKey, proveKey } from '../issuance/csr.ts';
import type { SignerSource } from '../issuance/signer.ts';
import type { Gate } from '../limits/gate.ts';
import type { IssuanceLimits } from '../limits/issuance-limits.ts';
import { type Granted, granted, type Refusal, refuse } from '../refusal.ts';
import { matchCurrentSvid, prefixOfSerial } from './current-svid.ts';
import type { Attestation, AttestationFacts, Attested, Evidence } from './evidence.ts';
import { isAddressOf, judgeLife, matchPod } from './pod-match.ts';
import type { AttestedPod, NamespaceLookup, PodLookup, TokenReviewer } from './ports.ts';
import { claimsOf, judgeReview, type TokenIdentity, tokenOf } from './service-account-token.ts';
import type { TokenBindings } from './token-binding.ts';

/*
 * The TokenReview attestor: thirteen steps in order, the first failure naming the reason. What a caller sends proves a key; who it is, is the API server's
 * word about its token, and the watch's about its pod.
 *
 *    1. A token is shown, bounded and of three segments; the request is signed by the key it names, of a kind we sign.
 *    2. The replica is within its limits and has a signer that may sign.
 *    3. A TokenReview for our audience is answered.
 *    4. The token is authenticated, and no error stands beside that.
 *    5. The answer names our audience: an API server that ignores audiences leaves the field empty.
 *    6. The user is a service account.
 *    7. The token is bound to one pod, by name and UID; those of token Secrets are not.
 *    8. That pod exists, with that UID.
 *    9. It runs under that account, is not being deleted, and is Pending or Running.
 *   10. It is bound to a node, the one that the token names if it names one.
 *   11. Its namespace is opted in and it carries our sidecar.
 *   12. A renewal: the current SVID has the same id, and its serial names the same pod.
 *   13. The caller's address is one of the pod's.
 */

export interface AttestorParts {
  readonly audience: string;
  readonly reviewer: TokenReviewer;
  readonly pods: PodLookup;
  readonly namespaces: NamespaceLookup;
  readonly limits: IssuanceLimits;
  /** Bounds the reviews under way. */
  readonly gate: Gate;
  readonly signers: SignerSource;
  readonly bindings: TokenBindings;
  readonly idOf: (workload: Workload) => Parsed<SpiffeId>;
  readonly sourceAddress: 'enforce' | 'audit';
  /** How long the API server may be silent while current SVIDs are still renewed. */
  readonly renewWithoutReviewMs: number;
  readonly retryAfterSeconds: () => number;
  readonly clock: Clock;
}

export interface Attestor {
  attest(evidence: Evidence): Promise<Attestation>;
}

/** How long step 13 waits for a pod whose address nobody has reported yet. */
const addressWaitMs = 3_000;
const addressPollMs = 250;

/** An attestor that remembers when the API server last answered, and nothing else of its own. */
export function createAttestor(parts: AttestorParts): Attestor {
  let answeredAtMs = parts.clock.monotonicMs();
  const onAnswer = (): void => {
    answeredAtMs = parts.clock.monotonicMs();
  };
  const mayDoWithoutReview = (): boolean => parts.clock.monotonicMs() - answeredAtMs <= parts.renewWithoutReviewMs;
  return { attest: (evidence) => attest(evidence, parts, { onAnswer, mayDoWithoutReview }) };
}

interface ReviewMemory {
  readonly onAnswer: () => void;
  readonly mayDoWithoutReview: () => boolean;
}

async function attest(evidence: Evidence, parts: AttestorParts, memory: ReviewMemory): Promise<Attestation> {
  let facts: AttestationFacts = { method: evidence.current === undefined ? 'token-review' : 'svid' };
  const learn = (more: Partial<AttestationFacts>): void => {
    facts = { ...facts, ...more };
  };
  const outcome = await walk(evidence, parts, memory, learn);
  return { ...outcome, facts };
}

type Learn = (more: Partial<AttestationFacts>) => void;

async function walk(
  evidence: Evidence,
  parts: AttestorParts,
  memory: ReviewMemory,
  learn: Learn,
): Promise<Granted<Attested>> {
  const shown = judgeShown(evidence, learn); // 1
  if (!shown.ok) {
    return shown;
  }
  const { token, key } = shown.value;
  const leave = parts.limits.replica(evidence.current === undefined ? 'unproven' : 'renewal'); // 2
  const ready = leave.ok ? judgeSigner(parts.signers) : leave;
  if (!ready.ok) {
    return ready;
  }
  const pod = await identify(evidence, token, parts, memory, learn); // 3 to 11
  if (!pod.ok) {
    return pod;
  }
  const rest = await judgeCaller(evidence, pod.value, parts, learn); // 12 and 13
  return rest.ok ? bindToken(evidence, token, key, pod.value, parts) : rest;
}

function judgeShown(evidence: Evidence, learn: Learn): Granted<{ readonly token: Secret; readonly key: ProvenKey }> {
  const token = tokenOf(evidence.authorization);
  if (!token.ok) {
    return token;
  }
  const key = proveKey(evidence.csr);
  if (!key.ok) {
    return key;
  }
  learn({ key: key.value });
  return granted({ token: token.value, key: key.value });
}

function judgeSigner(signers: SignerSource): Granted<undefined> {
  const state = signers.signer();
  if (state.kind === 'signer') {
    return granted(undefined);
  }
  return state.kind === 'hold-down'
    ? refuse('hold-down', { retryAfterSeconds: state.retryAfterSeconds })
    : refuse('no-signer');
}

async function identify(
  evidence: Evidence,
  token: Secret,
  parts: AttestorParts,
  memory: ReviewMemory,
  learn: Learn,
): Promise<Granted<AttestedPod>> {
  const identity = await review(evidence, token, parts, memory, learn);
  if (!identity.ok) {
    return identity.refusal.reason === 'review-unavailable' && memory.mayDoWithoutReview()
      ? identifyBySvid(evidence, parts, learn, identity.refusal)
      : identity;
  }
  const leave = judgeLimits(identity.value, evidence, parts.limits);
  if (!leave.ok) {
    return leave;
  }
  const pod = await findPod(identity.value, parts.pods);
  return pod.ok
    ? learnPod(matchPod(identity.value, pod.value, parts.namespaces.get(identity.value.namespace)), learn)
    : pod;
}

/** Steps 3 to 7. */
async function review(
  evidence: Evidence,
  token: Secret,
  parts: AttestorParts,
  memory: ReviewMemory,
  learn: Learn,
): Promise<Granted<TokenIdentity>> {
  try {
    const answer = await parts.gate.pass(evidence.current === undefined ? 1 : 0, () =>
      parts.reviewer.review(token, parts.audience),
    );
    if (answer === undefined) {
      return refuse('overloaded', { retryAfterSeconds: parts.retryAfterSeconds() });
    }
    memory.onAnswer();
    const identity = judgeReview(answer, parts.audience);
    if (identity.ok) {
      learn(factsOf(identity.value, token));
    }
    return identity;
  } catch {
    return refuse('review-unavailable', { retryAfterSeconds: parts.retryAfterSeconds() });
  }
}

function factsOf(identity: TokenIdentity, token: Secret): Partial<AttestationFacts> {
  const { podName, podUid, namespace, serviceAccount, nodeUid, credentialId } = identity;
  const { expiresAt, jti } = claimsOf(token);
  return {
    namespace,
    serviceAccount,
    pod: podName,
    podUid,
    ...(nodeUid === undefined ? {} : { nodeUid }),
    ...(credentialId === undefined ? {} : { credentialId }),
    ...(jti === undefined ? {} : { tokenJti: jti }),
    ...(expiresAt === undefined ? {} : { tokenExpiry: expiresAt }),
  };
}

function judgeLimits(
  { namespace, podUid }: TokenIdentity,
  evidence: Evidence,
  limits: IssuanceLimits,
): Granted<undefined> {
  const leave = limits.namespace(namespace);
  return leave.ok ? limits.pod(podUid, lifeMsOf(evidence)) : leave;
}

function lifeMsOf({ requestedTtlSeconds }: Evidence): number | undefined {
  return requestedTtlSeconds === undefined ? undefined : Math.max(shortestTtlSeconds, requestedTtlSeconds) * 1000;
}

/** The API server is silent: the pod that the current SVID's serial names, by the watch's last word. */
function identifyBySvid(
  evidence: Evidence,
  parts: AttestorParts,
  learn: Learn,
  otherwise: Refusal,
): Granted<AttestedPod> {
  if (evidence.current === undefined) {
    return { ok: false, refusal: otherwise };
  }
  learn({ method: 'cached' });
  const pod = parts.pods.findBySerialPrefix(prefixOfSerial(evidence.current.serial));
  if (pod === undefined) {
    return { ok: false, refusal: otherwise };
  }
  learn({ namespace: pod.namespace, serviceAccount: pod.serviceAccount, pod: pod.name, podUid: pod.uid });
  const leave = parts.limits.pod(pod.uid, lifeMsOf(evidence));
  return leave.ok ? learnPod(judgeLife(pod, parts.namespaces.get(pod.namespace)), learn) : leave;
}

/** Step 8's look: the cache, and where it has none, or another of that name, one question to the API server. */
async function findPod(identity: TokenIdentity, pods: PodLookup): Promise<Granted<AttestedPod | undefined>> {
  const cached = pods.find(identity.namespace, identity.podName);
  if (cached?.uid === identity.podUid && cached.node !== undefined) {
    return granted(cached);
  }
  try {
    return granted(await pods.fetch(identity.namespace, identity.podName));
  } catch {
    return refuse('review-unavailable', { detail: 'the pod could not be read' });
  }
}

function learnPod(judged: Granted<AttestedPod>, learn: Learn): Granted<AttestedPod> {
  if (judged.ok) {
    const { node, imageDigests } = judged.value;
    learn({ imageDigests, ...(node === undefined ? {} : { node }) });
  }
  return judged;
}

async function judgeCaller(
  evidence: Evidence,
  pod: AttestedPod,
  parts: AttestorParts,
  learn: Learn,
): Promise<Granted<undefined>> {
  if (evidence.current !== undefined) {
    const id = parts.idOf(pod);
    const same = id.ok
      ? matchCurrentSvid(evidence.current, id.value, pod)
      : refuse('not-entitled', { detail: id.problem.message });
    if (!same.ok) {
      return same;
    }
  }
  return judgeAddress(evidence, pod, parts, learn);
}

async function judgeAddress(
  evidence: Evidence,
  pod: AttestedPod,
  parts: AttestorParts,
  learn: Learn,
): Promise<Granted<undefined>> {
  const known = parts.sourceAddress === 'audit' ? pod : await withAddress(pod, parts);
  const addressMatches = isAddressOf(known, evidence.source.address);
  learn({ addressMatches });
  if (addressMatches || parts.sourceAddress === 'audit') {
    return granted(undefined);
  }
  return known.addresses.length === 0
    ? refuse('address-unknown', { retryAfterSeconds: parts.retryAfterSeconds() })
    : refuse('address-mismatch');
}

/** A pod's address is reported some time after its containers run: asks until it is, or the wait is over. */
async function withAddress(pod: AttestedPod, { pods, clock }: AttestorParts): Promise<AttestedPod> {
  const end = clock.monotonicMs() + addressWaitMs;
  let known = pod;
  while (known.addresses.length === 0 && clock.monotonicMs() < end) {
    const fetched = await pods.fetch(pod.namespace, pod.name).catch(() => undefined);
    known = fetched?.uid === pod.uid ? fetched : known;
    if (known.addresses.length === 0) {
      await sleep(clock, addressPollMs);
    }
  }
  return known;
}

/** Replay: a renewal proved itself by its SVID, anybody else is held to the first key this token was used with. */
function bindToken(
  evidence: Evidence,
  token: Secret,
  key: ProvenKey,
  pod: AttestedPod,
  parts: AttestorParts,
): Granted<Attested> {
  if (evidence.current !== undefined) {
    return granted({ pod, key, isTokenReused: false, previousSerial: evidence.current.serial });
  }
  const digest = createHash('sha256').update(token.expose()).digest('hex');
  const expiresAt = claimsOf(token).expiresAt ?? new Date(parts.clock.now().getTime() + 3_600_000);
  const use = parts.bindings.use(digest, key.publicKeySha256, expiresAt);
  return use === 'exhausted'
    ? refuse('token-reused', { retryAfterSeconds: parts.retryAfterSeconds() })
    : granted({ pod, key, isTokenReused: use === 'reused' });
}
