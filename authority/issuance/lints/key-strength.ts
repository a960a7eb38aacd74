import { oids } from '../../../spiffe/object-identifiers.ts';
import { readKeyKind } from '../../../spiffe/public-key.ts';
import { findingsOf, type Lint } from '../lint.ts';

/** P-256 and nothing else, for the subject's key and for our signature. */
export const keyStrength: Lint = {
  id: 'key-strength',
  title: 'Keys are P-256, signatures ECDSA with SHA-256',
  source: 'RFC 5480; RFC 5758, 3.2; the one algorithm in issuance/tbs.ts',
  check({ certificate }) {
    const kind = readKeyKind(certificate.publicKeySpki);
    const isP256 = kind.ok && kind.value.type === 'ec' && kind.value.curve === 'P-256';
    return findingsOf(
      [!isP256, 'the key is not P-256'],
      [certificate.signatureAlgorithm.oid !== oids.ecdsaWithSha256, 'the signature is not ECDSA with SHA-256'],
    );
  },
};
