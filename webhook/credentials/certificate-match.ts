import { createPrivateKey, X509Certificate } from 'node:crypto';

const longestPem = 65_536;
const mostCertificates = 8;

/**
 * Whether a private key (PEM, unencrypted) belongs to one of the certificates in `texts`. Such a pair is judged by how long its certificate lives, not as a key on
 * its own. A certificate of somebody else beside the key proves nothing. Never throws.
 */
export function isKeyOfCertificate(keyPem: string, texts: readonly string[]): boolean {
  if (keyPem.length > longestPem) {
    return false;
  }
  const certificates = texts.flatMap(certificatesIn).slice(0, mostCertificates);
  if (certificates.length === 0) {
    return false;
  }
  try {
    const key = createPrivateKey(keyPem);
    return certificates.some((pem) => new X509Certificate(pem).checkPrivateKey(key));
  } catch {
    return false;
  }
}

function certificatesIn(text: string): readonly string[] {
  return (
    text.slice(0, longestPem).match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]{1,65536}-----END CERTIFICATE-----/g) ??
    []
  );
}
