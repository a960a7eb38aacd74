import { createPublicKey } from 'node:crypto';
import { accepted, type Parsed, refused } from '../../runtime/parsed.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import { verifyX509Svid } from '../../spiffe/x509-path.ts';
import type { ObtainedSvid } from './identity-source.ts';
import type { HeldSvid } from './svid-store.ts';

/**
 * Whether an SVID that was received may be used: its chain leads to the bundle it came with (signature, times, leaf profile, one URI), it is of our own trust
 * domain, its id is the one it was announced with, its key is ours. Gives the SVID as it will be held, or the first problem.
 */
export function checkReceivedSvid(obtained: ObtainedSvid, trustDomain: TrustDomain, at: Date): Parsed<HeldSvid> {
  const verified = verifyX509Svid(obtained.chain, obtained.bundles, at);
  if (!verified.ok) {
    return verified;
  }
  const { spiffeId, chain: path } = verified.value;
  const [leaf] = path;
  if (leaf === undefined || spiffeId.trustDomain !== trustDomain) {
    return refused({ code: 'foreign-trust-domain', message: 'the SVID is not of the own trust domain' });
  }
  if (spiffeId.text !== obtained.spiffeId) {
    return refused({ code: 'id-differs', message: 'the SVID does not name the id it was announced with' });
  }
  const ownKey = createPublicKey(obtained.key).export({ type: 'spki', format: 'der' });
  if (Buffer.compare(ownKey, leaf.publicKeySpki) !== 0) {
    return refused({ code: 'key-differs', message: 'the SVID is not for the key that was asked for' });
  }
  return accepted({
    spiffeId,
    key: obtained.key,
    chain: obtained.chain,
    serial: leaf.serial,
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
    receivedAt: at,
    entryId: obtained.entryId,
  });
}
