import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** More certificates than any path of ours holds; bounds the walk over a hostile chain. */
const longest = 5;

/**
 * The certificates a TLS peer sent, leaf first, as DER; empty when it sent none.
 *
 * Node links what was sent into one path and appends an issuer from its own store: whoever judges the chain must do so from the leaf upwards, with the
 * bundle of the leaf's own trust domain.
 */
export function peerChain(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  // The type promises a certificate; a peer without one yields an empty object, and a self-signed one names itself as issuer for ever.
  while (isCertificate(certificate) && chain.length < longest) {
    chain.push(certificate.raw);
    const issuer: DetailedPeerCertificate | undefined = certificate.issuerCertificate;
    certificate = issuer === certificate ? undefined : issuer;
  }
  return chain;
}

function isCertificate(value: DetailedPeerCertificate | undefined): value is DetailedPeerCertificate {
  return value !== undefined && 'raw' in value;
}
