import type { Socket } from 'node:net';
import type { Destination, Endpoint } from '../../authority/client/messages.ts';
import type { Logger } from '../../runtime/logger.ts';
import { decideAccess } from '../access/decide.ts';
import type { HeldPolicy } from '../access/policy-store.ts';
import { clientOf } from '../addresses.ts';
import type { Carry } from '../carry.ts';
import { dial } from '../dial.ts';
import type { ConnectionFacts } from '../journal/connection-record.ts';
import type { Journal } from '../journal/journal.ts';
import type { Directory } from '../peers/directory.ts';
import type { Refusal } from '../reasons.ts';
import { plainSide, tlsSide } from '../relay.ts';
import type { TlsGeneration } from '../tls/contexts.ts';
import type { LocalDoor } from './explicit.ts';
import { reachUpstream, type Upstream, type UpstreamDependencies, type UpstreamEnd } from './upstream.ts';

/** Everything an outbound connection is decided by. */
export interface OutboundDependencies extends UpstreamDependencies {
  readonly tls: () => TlsGeneration | undefined;
  readonly policy: () => HeldPolicy | undefined;
  readonly directory: Directory;
  readonly isDraining: () => boolean;
  /** The application's port when the endpoint is this very pod. */
  readonly ownPort: (endpoint: Endpoint) => number | undefined;
  readonly appHost: string;
  readonly appDialTimeoutMs: number;
  readonly carry: Carry;
  readonly journal: Journal;
  readonly logger: Logger;
}

/**
 * One connection of the application to a local door, from accept to its last byte: who must answer there, an endpoint, a handshake with exactly that
 * identity, relay. A refusal is a reset, because a clean end would look like an empty answer. Resolves when it is over; never rejects.
 */
export async function serveOutbound(raw: Socket, door: LocalDoor, dependencies: OutboundDependencies): Promise<void> {
  const facts = factsOf(raw, door, dependencies);
  try {
    const refusal = await connectAndCarry(raw, door, facts, dependencies);
    if (refusal !== undefined) {
      raw.resetAndDestroy();
      dependencies.journal.refused(facts, refusal);
    }
  } catch (error) {
    raw.resetAndDestroy();
    dependencies.logger.error({ error }, 'outbound connection failed');
  }
}

function factsOf(raw: Socket, door: LocalDoor, { tls, policy }: OutboundDependencies): ConnectionFacts {
  const snapshot = tls()?.snapshot;
  const held = policy();
  return {
    direction: 'outbound',
    port: door.port,
    client: clientOf(raw),
    destination: door.destination,
    own: snapshot?.svid.spiffeId.text,
    mode: held?.access.mode,
    policyGeneration: held?.generation,
    bundleSequence: snapshot?.sequence.toString(),
  };
}

async function connectAndCarry(
  raw: Socket,
  door: LocalDoor,
  facts: ConnectionFacts,
  dependencies: OutboundDependencies,
): Promise<Refusal | undefined> {
  const { tls: generation, isDraining, directory, clock } = dependencies;
  const tls = generation();
  if (isDraining()) {
    return { reason: 'draining' };
  }
  if (tls === undefined || clock.now() >= tls.snapshot.svid.notAfter) {
    return { reason: 'identity-expired' };
  }
  const answer = await directory.lookup(door.destination);
  if (answer.kind === 'unavailable') {
    return { reason: 'directory-unavailable' };
  }
  if (answer.destination.kind === 'unknown') {
    return { reason: 'destination-unknown' };
  }
  const own = ownEndpoint(answer.destination, dependencies);
  if (own !== undefined) {
    return carryToSelf(raw, own, facts, dependencies);
  }
  const end = await reachOrAskAgain(answer.destination, tls, dependencies);
  if (!end.ok) {
    return end.refusal;
  }
  await carryUpstream(raw, end.upstream, facts, tls, dependencies);
  return undefined;
}

/** Another pod may have taken the address since the directory last spoke: it is asked again, once. */
async function reachOrAskAgain(
  destination: Destination,
  tls: TlsGeneration,
  dependencies: OutboundDependencies,
): Promise<UpstreamEnd> {
  const end = await reachUpstream(destination, tls, dependencies);
  if (end.ok || end.refusal.reason !== 'peer-id-mismatch') {
    return end;
  }
  const again = await dependencies.directory.refresh(destination.key);
  return again.kind === 'known' && again.destination !== destination && again.destination.kind === 'mesh'
    ? reachUpstream(again.destination, tls, dependencies)
    : end;
}

async function carryUpstream(
  app: Socket,
  { endpoint, raw, secured, release }: Upstream,
  facts: ConnectionFacts,
  tls: TlsGeneration,
  { carry }: OutboundDependencies,
): Promise<void> {
  const known = { ...facts, endpoint: `${endpoint.address}:${endpoint.port}` };
  try {
    if (secured === undefined) {
      await carry({ facts: known, kind: 'egress', first: plainSide(app), second: plainSide(raw), own: undefined });
      return;
    }
    const { peer, connectionId, group, socket } = secured;
    await carry({
      facts: { ...known, peer, connectionId, ...(group === undefined ? {} : { tlsGroup: group }) },
      kind: 'mtls',
      first: plainSide(app),
      second: tlsSide(socket, raw),
      own: tls.snapshot.svid,
    });
  } finally {
    release();
  }
}

/** This pod's own port, when it is the only ready endpoint there is: then no wire is crossed and no TLS needed. */
function ownEndpoint(
  { endpoints }: Destination,
  { ownPort }: OutboundDependencies,
): { readonly endpoint: Endpoint; readonly port: number } | undefined {
  const [only, ...others] = endpoints.filter(({ ready }) => ready);
  const port = only === undefined || others.length > 0 ? undefined : ownPort(only);
  return only === undefined || port === undefined ? undefined : { endpoint: only, port };
}

/** The own policy holds for the pod itself as for everybody. */
async function carryToSelf(
  app: Socket,
  { endpoint, port }: { readonly endpoint: Endpoint; readonly port: number },
  facts: ConnectionFacts,
  { tls, policy, appHost, appDialTimeoutMs, carry, clock }: OutboundDependencies,
): Promise<Refusal | undefined> {
  const held = policy();
  const own = tls()?.snapshot.svid;
  if (held === undefined || own === undefined) {
    return { reason: 'access-denied' };
  }
  const decision = decideAccess(own.spiffeId, port, held.access);
  if (decision.outcome === 'refused') {
    return { reason: decision.reason };
  }
  const dialled = await dial({ host: appHost, port }, appDialTimeoutMs, clock);
  if (!dialled.ok) {
    return { reason: dialled.reason === 'timeout' ? 'app-timeout' : 'app-refused', detail: dialled.code };
  }
  const passed = decision.outcome === 'allowed' ? { policy: decision.policy } : { wouldDeny: decision.reason };
  await carry({
    facts: { ...facts, endpoint: `${endpoint.address}:${endpoint.port}`, ...passed },
    kind: 'self',
    first: plainSide(app),
    second: plainSide(dialled.socket),
    own: undefined,
    isAllowed: (access) => decideAccess(own.spiffeId, port, access).outcome !== 'refused',
  });
  return undefined;
}
