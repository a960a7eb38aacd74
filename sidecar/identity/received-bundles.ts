import { accepted, type Parsed, refused } from '../../runtime/parsed.ts';
import { parseSpiffeBundle } from '../../spiffe/bundle-document.ts';
import type { X509Bundle } from '../../spiffe/trust-bundle.ts';
import { isTrustDomain, type TrustDomain } from '../../spiffe/trust-domain.ts';
import type { ReceivedBundles } from './svid-store.ts';

/**
 * Reads bundle documents as the authority sends them, by trust domain.
 *
 * Our own domain's must be there and have an anchor, else the whole set is refused. A foreign one that cannot be read is left out, so that its peers are
 * refused and nobody else is. `sequence`: decimal text, of our own domain's bundle.
 */
export function readReceivedBundles(
  documents: Readonly<Record<string, unknown>>,
  sequence: string,
  ownDomain: TrustDomain,
): Parsed<ReceivedBundles> {
  const bundles = new Map<TrustDomain, X509Bundle>();
  for (const [name, document] of Object.entries(documents)) {
    const bundle = isTrustDomain(name) ? parseSpiffeBundle(name, JSON.stringify(document)) : undefined;
    if (bundle?.ok === true) {
      bundles.set(bundle.value.trustDomain, bundle.value.x509);
    }
  }
  const own = bundles.get(ownDomain);
  return own === undefined || own.authorities.length === 0
    ? refused({ code: 'own-bundle-missing', message: 'there is no usable bundle of the own trust domain' })
    : accepted({ bundles, sequence: BigInt(sequence) });
}
