import { sameBytes } from '../../../spiffe/certificate.ts';
import { findingsOf, type Lint } from '../lint.ts';
import { keyIdentifier } from '../tbs.ts';

/** Whoever walks a path by key identifiers must arrive at the anchor that signed. */
export const keyIdentifiers: Lint = {
  id: 'key-identifiers',
  title: 'Key identifiers are those of the keys, the issuer is the anchor',
  source: 'RFC 5280, 4.2.1.1, 4.2.1.2; RFC 7093',
  check({ certificate, anchor }) {
    const { subjectKeyId, authorityKeyId, publicKeySpki, issuer } = certificate;
    return findingsOf(
      [
        subjectKeyId === undefined || !sameBytes(subjectKeyId, keyIdentifier(publicKeySpki)),
        'the subject key identifier is not of this key',
      ],
      [
        authorityKeyId === undefined ||
          anchor.subjectKeyId === undefined ||
          !sameBytes(authorityKeyId, anchor.subjectKeyId),
        'the authority key identifier is not the anchor’s',
      ],
      [!sameBytes(issuer, anchor.subject), 'the issuer is not the anchor'],
    );
  },
};
