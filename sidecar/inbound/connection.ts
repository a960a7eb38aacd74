import type { Socket } from 'node:net';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import { decideAccess, passesByMode } from '../access/decide.ts';
import type { HeldPolicy } from '../access/policy-store.ts';
import { clientOf } from '../addresses.ts';
import type { Carry } from '../carry.ts';
import { type DialTarget, dial } from '../dial.ts';
import type { ConnectionFacts } from '../journal/connection-record.ts';
import type { Journal } from '../journal/journal.ts';
import type { SidecarMetrics } from '../metrics.ts';
import type { Refusal } from '../reasons.ts';
import { plainSide, type RelaySide, tlsSide } from '../relay.ts';
import type { TlsGeneration } from '../tls/contexts.ts';
import { acceptTls, type SecuredConnection, sallyportProtocol } from '../tls/handshake.ts';
import type { PeerJudge } from '../tls/peer.ts';
import { lookAtOpening, type Opening } from './first-bytes.ts';
import type { InboundLimits } from './limits.ts';

/** Everything an inbound connection is decided by. Times in milliseconds. */
export interface InboundDependencies {
  readonly tls: () => TlsGeneration | undefined;
  readonly policy: () => HeldPolicy | undefined;
  readonly judge: PeerJudge;
  readonly limits: InboundLimits;
  readonly isDraining: () => boolean;
  /** Where the application listens, less the port. */
  readonly appHost: string;
  readonly firstByteTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly appDialTimeoutMs: number;
  readonly carry: Carry;
  readonly journal: Journal;
  readonly metrics: SidecarMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** In a namespace that only watches, a silent client may wait for a server that speaks first. */
const serverFirstMs = 1_000;

/** A refusal with what was known of the connection by then. */
interface Refused {
  readonly refusal: Refusal;
  readonly facts: ConnectionFacts;
}

/** What may be carried: the peer's side and all that is known. */
interface Admitted {
  readonly facts: ConnectionFacts;
  readonly side: RelaySide;
  readonly kind: 'mtls' | 'plaintext';
}

/**
 * One connection to a mapped port, from accept to its last byte: limits, first bytes, handshake, both judgements, policy, dial, relay. Every step that says no
 * ends in a reset and one record. Resolves when the connection is over; never rejects.
 */
export async function serveInbound(raw: Socket, port: number, dependencies: InboundDependencies): Promise<void> {
  const { limits, journal, logger } = dependencies;
  const client = clientOf(raw);
  const refuse = ({ refusal, facts }: Refused): void => {
    raw.resetAndDestroy();
    journal.refused(facts, refusal);
  };
  const before = factsOf(raw, port, dependencies);
  const tls = dependencies.tls();
  const policy = dependencies.policy();
  if (dependencies.isDraining() || tls === undefined || policy === undefined || isExpired(tls, dependencies.clock)) {
    const reason = dependencies.isDraining() ? 'draining' : 'identity-expired';
    refuse({ refusal: { reason }, facts: before });
    return;
  }
  if (!limits.accept(client.address)) {
    refuse({ refusal: { reason: 'connection-limit' }, facts: before });
    return;
  }
  try {
    const admitted = await admit(raw, before, policy, dependencies);
    const refused = 'refusal' in admitted ? admitted : await carryToApplication(admitted, port, tls, dependencies);
    if (refused !== undefined) {
      refuse(refused);
    }
  } catch (error) {
    raw.resetAndDestroy();
    logger.error({ error }, 'inbound connection failed');
  } finally {
    limits.closed();
  }
}

function factsOf(raw: Socket, port: number, { tls, policy }: InboundDependencies): ConnectionFacts {
  const snapshot = tls()?.snapshot;
  const held = policy();
  return {
    direction: 'inbound',
    port,
    client: clientOf(raw),
    own: snapshot?.svid.spiffeId.text,
    mode: held?.access.mode,
    policyGeneration: held?.generation,
    bundleSequence: snapshot?.sequence.toString(),
  };
}

function isExpired({ snapshot }: TlsGeneration, clock: Clock): boolean {
  return clock.now() >= snapshot.svid.notAfter;
}

/** First bytes, then either plaintext by the mode or the handshake and policy. */
async function admit(
  raw: Socket,
  facts: ConnectionFacts,
  policy: HeldPolicy,
  dependencies: InboundDependencies,
): Promise<Admitted | Refused> {
  const { firstByteTimeoutMs, handshakeTimeoutMs, clock } = dependencies;
  const isWatching = passesByMode(policy.access.mode);
  const startedMs = clock.monotonicMs();
  const opening = await lookAtOpening(
    raw,
    {
      firstByteMs: isWatching ? Math.min(serverFirstMs, firstByteTimeoutMs) : firstByteTimeoutMs,
      helloMs: firstByteTimeoutMs + handshakeTimeoutMs,
    },
    clock,
  );
  if (opening.kind === 'hello') {
    const deadlineMs = startedMs + firstByteTimeoutMs + handshakeTimeoutMs;
    return secure(raw, facts, opening.protocols, deadlineMs, dependencies);
  }
  if (isWatching && (opening.kind === 'plaintext' || opening.kind === 'silent')) {
    return { facts: { ...facts, wouldDeny: 'plaintext' }, side: plainSide(raw), kind: 'plaintext' };
  }
  return { refusal: refusalOfOpening(opening.kind), facts };
}

function refusalOfOpening(kind: Exclude<Opening['kind'], 'hello'>): Refusal {
  switch (kind) {
    case 'plaintext':
      return { reason: 'plaintext' };
    case 'silent':
      return { reason: 'first-byte-timeout' };
    case 'stalled':
      return { reason: 'handshake-timeout', detail: 'hello-incomplete' };
    case 'malformed':
      return { reason: 'tls-protocol', detail: 'hello-malformed' };
    case 'gone':
      return { reason: 'tls-protocol', detail: 'closed-before-hello' };
  }
}

/** The handshake in its turn, with the newest context; then policy, also as it is by then. */
async function secure(
  raw: Socket,
  facts: ConnectionFacts,
  protocols: readonly string[],
  deadlineMs: number,
  { tls, policy, judge, limits, metrics, clock }: InboundDependencies,
): Promise<Admitted | Refused> {
  const release = await limits.handshake(facts.client.address);
  if (release === undefined) {
    return { refusal: { reason: 'handshake-limit' }, facts };
  }
  const generation = tls();
  if (generation === undefined || raw.destroyed) {
    release();
    return { refusal: { reason: 'tls-protocol', detail: 'closed' }, facts };
  }
  const startedMs = clock.monotonicMs();
  const timeoutMs = Math.max(1, deadlineMs - startedMs);
  const end = await acceptTls(raw, answeredProtocol(protocols), { tls: generation, judge, clock, timeoutMs });
  release();
  if (!end.ok) {
    return { refusal: end.refusal, facts };
  }
  metrics.handshakeSeconds.observe({ direction: 'inbound' }, (clock.monotonicMs() - startedMs) / 1_000);
  return decide(raw, { ...facts, bundleSequence: generation.snapshot.sequence.toString() }, end.secured, policy());
}

function decide(
  raw: Socket,
  facts: ConnectionFacts,
  { peer, connectionId, group, socket }: SecuredConnection,
  policy: HeldPolicy | undefined,
): Admitted | Refused {
  const known = { ...facts, peer, connectionId, ...(group === undefined ? {} : { tlsGroup: group }) };
  const decision =
    policy === undefined
      ? { outcome: 'refused' as const, reason: 'access-denied' as const }
      : decideAccess(peer.spiffeId, facts.port, policy.access);
  const side = tlsSide(socket, raw);
  switch (decision.outcome) {
    case 'allowed':
      return { facts: { ...known, policy: decision.policy }, side, kind: 'mtls' };
    case 'would-deny':
      return { facts: { ...known, wouldDeny: decision.reason }, side, kind: 'mtls' };
    case 'refused':
      return { refusal: { reason: decision.reason }, facts: known };
  }
}

/** A client without our own name is any SPIFFE peer: it gets the plainest protocol it offered, or none. */
function answeredProtocol(offered: readonly string[]): string | undefined {
  return [sallyportProtocol, 'http/1.1'].find((name) => offered.includes(name));
}

/** Dials the application and carries; gives the refusal where it does not answer. */
async function carryToApplication(
  { facts, side, kind }: Admitted,
  port: number,
  tls: TlsGeneration,
  { appHost, appDialTimeoutMs, carry, metrics, clock }: InboundDependencies,
): Promise<Refused | undefined> {
  const target: DialTarget = { host: appHost, port };
  const startedMs = clock.monotonicMs();
  const dialled = await dial(target, appDialTimeoutMs, clock);
  if (!dialled.ok) {
    const reason = dialled.reason === 'timeout' ? 'app-timeout' : 'app-refused';
    return { refusal: { reason, detail: dialled.code }, facts };
  }
  metrics.appConnectSeconds.observe({ direction: 'inbound' }, (clock.monotonicMs() - startedMs) / 1_000);
  const caller = facts.peer?.spiffeId ?? 'plaintext';
  await carry({
    facts,
    kind,
    first: side,
    second: plainSide(dialled.socket),
    own: kind === 'mtls' ? tls.snapshot.svid : undefined,
    isAllowed: (access) => decideAccess(caller, port, access).outcome !== 'refused',
  });
  return undefined;
}
