import { createHash, type KeyObject } from 'node:crypto';
import type { Workload } from '../../spiffe/workload.ts';
import { entitle } from '../entitlement/entitle.ts';
import { type Granted, granted, refuse } from '../refusal.ts';
import type { IssuerParts } from './issue.ts';
import { type MadeSvid, makeSvid } from './make-svid.ts';

/** The authority as a workload: its own pod, by the downward API. */
export interface OwnPod extends Workload {
  readonly podUid: string;
}

/**
 * The authority's SVID for its own pod, by the same pipeline less attestation: who holds the signing key needs no witness. It is issued in the hold-down
 * too, else no sidecar could come back to hear of the new key.
 */
export async function issueOwn(
  own: OwnPod,
  publicKey: KeyObject,
  parts: Omit<IssuerParts, 'attestor'>,
  traceId: string,
): Promise<Granted<MadeSvid>> {
  const entitlement = entitle(own, undefined, parts.rules);
  if (!entitlement.ok) {
    return entitlement;
  }
  const signer = parts.signers.ownSigner();
  const bundle = parts.bundles.current();
  if (signer === undefined || bundle === undefined) {
    return refuse('no-signer');
  }
  const { spiffeId, ttlSeconds } = entitlement.value;
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const svid = makeSvid({
    order: { spiffeId, spki, podUid: own.podUid, ttlSeconds },
    signer,
    throwawayKey: parts.throwawayKey,
    bundle: bundle.x509,
    now: parts.clock.now(),
    random: parts.random,
  });
  if (!svid.ok) {
    return svid;
  }
  const publicKeySha256 = createHash('sha256').update(spki).digest('hex');
  await parts.recorder.issued({
    svid: svid.value,
    authorityId: signer.id,
    entitlement: entitlement.value,
    csrSha256: publicKeySha256,
    publicKeySha256,
    requestedTtlSeconds: undefined,
    attestation: 'self',
    isTokenReused: false,
    traceId,
  });
  return granted(svid.value);
}
