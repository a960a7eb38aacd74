import { parseSpiffeId } from '../../../spiffe/spiffe-id.ts';
import { findingsOf, type Lint } from '../lint.ts';

/** The clauses of the X.509-SVID specification that a producer of leaves must keep. */
export const svidForm: Lint = {
  id: 'svid-form',
  title: 'A leaf is an X.509-SVID that authenticates and signs nobody',
  source: 'X509-SVID 2, 4.1, 4.3, 4.4; X-01, X-03, X-04, X-06, X-07, X-08',
  check({ certificate }) {
    const [uri] = certificate.uris;
    const id = uri === undefined ? undefined : parseSpiffeId(uri);
    const usages = [...(certificate.keyUsage?.usages ?? [])];
    const purposes = certificate.extendedKeyUsage ?? [];
    return findingsOf(
      [certificate.uris.length !== 1 || certificate.otherSans.length > 0, 'X-01: not exactly one URI and nothing else'],
      [id?.ok !== true, 'ID: the URI is no SPIFFE ID'],
      [id?.ok === true && id.value.path.length === 0, 'X-03: the id has no path'],
      [
        !certificate.subjectIsEmpty || !certificate.sanCritical,
        'X-04: the subject is not empty, or the SAN not critical',
      ],
      [
        certificate.basicConstraints?.isCa !== false || !certificate.basicConstraints.isCritical,
        'X-06: cA, or basic constraints not critical',
      ],
      [usages.join() !== 'digitalSignature', 'X-06: key usage is not digitalSignature alone'],
      [certificate.keyUsage?.isCritical !== true, 'X-07: key usage is not critical'],
      [
        purposes.length !== 2 || !purposes.includes(serverAuth) || !purposes.includes(clientAuth),
        'X-08: not serverAuth and clientAuth',
      ],
    );
  },
};

const serverAuth = '1.3.6.1.5.5.7.3.1';
const clientAuth = '1.3.6.1.5.5.7.3.2';
