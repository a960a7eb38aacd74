import type { AuditEvent } from '../../audit/event.ts';
import type { Direction, EndReason, Refusal, RefusalReason } from '../reasons.ts';
import type { RelayBytes } from '../relay.ts';
import type { Peer } from '../tls/peer.ts';

/** How a connection was carried. `plaintext`: by the mode alone. `egress`: to a destination outside the mesh. `self`: to this very pod. */
export type CarriedKind = 'mtls' | 'plaintext' | 'egress' | 'self';

/** What is known of a connection so far. */
export interface ConnectionFacts {
  readonly direction: Direction;
  /** Port of the application inbound, local port outbound. */
  readonly port: number;
  readonly client: { readonly address: string; readonly port: number };
  readonly own: string | undefined;
  readonly mode: string | undefined;
  readonly policyGeneration: number | undefined;
  readonly bundleSequence: string | undefined;
  readonly peer?: Peer;
  readonly connectionId?: string;
  readonly tlsGroup?: string;
  readonly destination?: string;
  readonly endpoint?: string;
  readonly policy?: string;
  /** Why `enforce` would have refused what the mode lets pass. */
  readonly wouldDeny?: RefusalReason;
}

/** A carried connection. `bytes` and `durationMs` may be asked at any time. */
export interface OpenConnection {
  readonly facts: ConnectionFacts;
  readonly kind: CarriedKind;
  readonly bytes: () => RelayBytes;
  readonly openedAtMs: number;
}

/** Bytes towards the pod's application and from it. The relay's first side is the peer inbound and the application outbound. */
export function inAndOut(
  direction: Direction,
  { sent, received }: RelayBytes,
): { readonly in: number; readonly out: number } {
  return direction === 'inbound' ? { in: sent, out: received } : { in: received, out: sent };
}

/** The fields of every `access.*` event about one connection. */
function eventFields(facts: ConnectionFacts) {
  const { direction, port, client, own, mode, policyGeneration, bundleSequence, peer, connectionId, destination } =
    facts;
  return {
    direction,
    port,
    client,
    ...defined({ own, mode, policyGeneration, bundleSequence, connectionId, destination }),
    ...defined({
      tlsGroup: facts.tlsGroup,
      endpoint: facts.endpoint,
      policy: facts.policy,
      wouldDeny: facts.wouldDeny,
    }),
    ...(connectionId === undefined ? {} : { correlation: { connectionId } }),
    ...(peer === undefined ? {} : peerFields(peer)),
  };
}

/** The record of refused connections; `count` identical ones. */
export function deniedEvent(facts: ConnectionFacts, { reason, detail }: Refusal, count: number): AuditEvent {
  return {
    event: 'access.denied',
    outcome: 'refused',
    reasonCode: reason,
    ...eventFields(facts),
    ...(detail === undefined ? {} : { detail }),
    ...(count === 1 ? {} : { count }),
  };
}

/** The record of a carried connection, ended or still open. */
export function grantedEvent(
  { facts, kind, bytes }: OpenConnection,
  durationMs: number,
  end: EndReason | undefined,
): AuditEvent {
  const fields = {
    ...eventFields(facts),
    outcome: 'granted' as const,
    bytes: inAndOut(facts.direction, bytes()),
    durationMs,
    ...(end === undefined ? {} : { end }),
    ...(facts.wouldDeny === undefined ? {} : { reasonCode: facts.wouldDeny }),
  };
  switch (kind) {
    case 'mtls':
      return { event: 'access.granted', ...fields };
    case 'self':
      return { event: 'access.self', ...fields };
    case 'plaintext':
      return { event: 'access.plaintext', exception: 'mode', ...fields };
    case 'egress':
      return { event: 'access.plaintext', exception: 'egress', ...fields };
  }
}

function peerFields({ spiffeId, serial, leafSha256 }: Peer) {
  const peer = spiffeId.text;
  return {
    peer,
    peerSerial: serial,
    peerSha256: leafSha256,
    principal: { kind: 'workload' as const, spiffeId: peer, serial },
  };
}

/** The members that are not undefined. */
function defined<T extends object>(members: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const result: { [Name in keyof T]?: Exclude<T[Name], undefined> } = {};
  for (const name in members) {
    const value = members[name];
    if (isDefined(value)) {
      result[name] = value;
    }
  }
  return result;
}

function isDefined<T>(value: T): value is Exclude<T, undefined> {
  return value !== undefined;
}
