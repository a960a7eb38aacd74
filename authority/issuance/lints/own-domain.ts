import { parseSpiffeId } from '../../../spiffe/spiffe-id.ts';
import { findingsOf, type Lint } from '../lint.ts';

/** An authority speaks for its own trust domain only. */
export const ownDomain: Lint = {
  id: 'own-domain',
  title: 'The id of a leaf is in our own trust domain',
  source: 'SPIFFE-ID 2.1; B-07',
  check({ certificate, trustDomain }) {
    const id = parseSpiffeId(certificate.uris[0] ?? '');
    return findingsOf([!id.ok || id.value.trustDomain !== trustDomain, 'of another trust domain']);
  },
};
