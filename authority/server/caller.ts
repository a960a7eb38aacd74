import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../../runtime/clock.ts';
import type { Parsed } from '../../runtime/parsed.ts';
import type { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { Workload } from '../../spiffe/workload.ts';
import { verifyX509Svid } from '../../spiffe/x509-path.ts';
import { type CurrentSvid, prefixOfSerial } from '../attestation/current-svid.ts';
import type { AttestedPod, PodLookup } from '../attestation/ports.ts';
import { peerChain } from '../client/peer-chain.ts';
import type { BundleSource } from '../issuance/signer.ts';
import { type Granted, granted, refuse } from '../refusal.ts';

export interface CallerParts {
  readonly bundles: BundleSource;
  readonly pods: PodLookup;
  readonly idOf: (workload: Workload) => Parsed<SpiffeId>;
  readonly clock: Clock;
}

/** A sidecar that proved itself on this connection, and its pod as the watch has it. */
export interface Caller {
  readonly svid: CurrentSvid;
  readonly pod: AttestedPod;
}

/** The SVID of a connection, judged now against our own bundle. OpenSSL's opinion was not asked: it knows no SPIFFE. */
export function svidOf(
  socket: Socket,
  { bundles, clock }: Pick<CallerParts, 'bundles' | 'clock'>,
): Granted<CurrentSvid> {
  const chain = socket instanceof TLSSocket && !socket.isSessionReused() ? peerChain(socket) : [];
  const bundle = bundles.current();
  if (chain.length === 0 || bundle === undefined) {
    return refuse('client-certificate-missing');
  }
  const verified = verifyX509Svid(chain, new Map([[bundle.trustDomain, bundle.x509]]), clock.now());
  if (!verified.ok) {
    return refuse('client-certificate-invalid', { detail: verified.problem.code });
  }
  const { spiffeId, earliestNotAfter, chain: path } = verified.value;
  return granted({ spiffeId, serial: path[0]?.serial ?? '', notAfter: earliestNotAfter });
}

/** Who calls: the SVID's serial names the pod, which must still be there and be entitled to that very id. */
export function callerOf(socket: Socket, parts: CallerParts): Granted<Caller> {
  const svid = svidOf(socket, parts);
  if (!svid.ok) {
    return svid;
  }
  const pod = parts.pods.findBySerialPrefix(prefixOfSerial(svid.value.serial));
  if (pod === undefined) {
    return refuse('pod-unknown');
  }
  const id = parts.idOf(pod);
  return id.ok && id.value.text === svid.value.spiffeId.text
    ? granted({ svid: svid.value, pod })
    : refuse('svid-mismatch');
}
