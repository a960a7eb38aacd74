import type { Socket } from 'node:net';
import type { Destination, Endpoint } from '../../authority/client/messages.ts';
import type { Clock } from '../../runtime/clock.ts';
import { dial } from '../dial.ts';
import type { SidecarMetrics } from '../metrics.ts';
import type { Refusal } from '../reasons.ts';
import type { TlsGeneration } from '../tls/contexts.ts';
import { connectTls, type SecuredConnection } from '../tls/handshake.ts';
import type { PeerJudge } from '../tls/peer.ts';
import type { EndpointChoice } from './endpoint-choice.ts';

/** An endpoint that was reached. `release` must be called when the connection is over. `secured` is undefined outside the mesh. */
export interface Upstream {
  readonly endpoint: Endpoint;
  readonly raw: Socket;
  readonly secured: SecuredConnection | undefined;
  readonly release: () => void;
}

export type UpstreamEnd =
  | { readonly ok: true; readonly upstream: Upstream }
  | { readonly ok: false; readonly refusal: Refusal };

export interface UpstreamDependencies {
  readonly choice: EndpointChoice;
  readonly judge: PeerJudge;
  readonly localAddress: string | undefined;
  readonly metrics: SidecarMetrics;
  readonly clock: Clock;
}

const attempts = 3;
const inAllMs = 10_000;
const connectMs = 2_000;
const handshakeMs = 5_000;

/**
 * Reaches one of the destination's endpoints: up to three distinct ones, ten seconds in all. In the mesh only those that prove one of their SPIFFE IDs; a
 * plaintext endpoint never stands in for one. No byte of the application has been sent when this returns. Refuses with the last attempt's reason.
 */
export async function reachUpstream(
  { kind, endpoints: all }: Destination,
  tls: TlsGeneration,
  dependencies: UpstreamDependencies,
): Promise<UpstreamEnd> {
  const { choice, clock } = dependencies;
  const endpoints = kind === 'mesh' ? all.filter(({ ids, plaintext }) => ids.length > 0 && !plaintext) : all;
  const deadlineMs = clock.monotonicMs() + inAllMs;
  const tried = new Set<Endpoint>();
  let refusal: Refusal = { reason: 'no-endpoint' };
  while (tried.size < attempts && clock.monotonicMs() < deadlineMs) {
    const endpoint = choice.choose(endpoints, tried);
    if (endpoint === undefined) {
      break;
    }
    tried.add(endpoint);
    const end = await reach(endpoint, kind === 'mesh' ? tls : undefined, deadlineMs, dependencies);
    if (end.ok) {
      choice.succeeded(endpoint);
      return end;
    }
    choice.failed(endpoint, endpoints);
    refusal = end.refusal;
  }
  return { ok: false, refusal };
}

async function reach(
  endpoint: Endpoint,
  tls: TlsGeneration | undefined,
  deadlineMs: number,
  dependencies: UpstreamDependencies,
): Promise<UpstreamEnd> {
  const { choice, localAddress, metrics, clock } = dependencies;
  const release = choice.busy(endpoint);
  const startedMs = clock.monotonicMs();
  const target = { host: endpoint.address, port: endpoint.port };
  const dialled = await dial(
    localAddress === undefined ? target : { ...target, localAddress },
    Math.min(connectMs, Math.max(1, deadlineMs - startedMs)),
    clock,
  );
  if (!dialled.ok) {
    release();
    return {
      ok: false,
      refusal: { reason: dialled.reason === 'timeout' ? 'connect-timeout' : 'connect-failed', detail: dialled.code },
    };
  }
  metrics.appConnectSeconds.observe({ direction: 'outbound' }, (clock.monotonicMs() - startedMs) / 1_000);
  const { socket: raw } = dialled;
  if (tls === undefined) {
    return { ok: true, upstream: { endpoint, raw, secured: undefined, release } };
  }
  const end = await prove(endpoint, raw, tls, deadlineMs, dependencies);
  if (!end.ok) {
    raw.resetAndDestroy();
    release();
    return end;
  }
  return { ok: true, upstream: { endpoint, raw, secured: end.secured, release } };
}

/** The handshake, both judgements, and the one question left: is it who must answer there. */
async function prove(
  endpoint: Endpoint,
  raw: Socket,
  tls: TlsGeneration,
  deadlineMs: number,
  { judge, metrics, clock }: UpstreamDependencies,
): Promise<{ ok: true; secured: SecuredConnection } | { ok: false; refusal: Refusal }> {
  const startedMs = clock.monotonicMs();
  const timeoutMs = Math.min(handshakeMs, Math.max(1, deadlineMs - startedMs));
  const end = await connectTls(raw, endpoint.ours, { tls, judge, clock, timeoutMs });
  if (!end.ok) {
    return end;
  }
  metrics.handshakeSeconds.observe({ direction: 'outbound' }, (clock.monotonicMs() - startedMs) / 1_000);
  return endpoint.ids.includes(end.secured.peer.spiffeId.text)
    ? end
    : { ok: false, refusal: { reason: 'peer-id-mismatch' } };
}
