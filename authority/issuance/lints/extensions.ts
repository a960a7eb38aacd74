import { oids } from '../../../spiffe/object-identifiers.ts';
import type { Lint } from '../lint.ts';

const ofProfile = [
  oids.basicConstraints,
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.subjectKeyIdentifier,
  oids.authorityKeyIdentifier,
  oids.subjectAltName,
];

/** What is not in the profile was smuggled in; what is missing was lost. */
export const extensionsLint: Lint = {
  id: 'extensions',
  title: 'A leaf has the extensions of the profile and no other',
  source: 'RFC 5280, 4.2; the profile in issuance/profile.ts',
  check({ certificate: { extensionIds } }) {
    const foreign = extensionIds.filter((oid) => !ofProfile.some((known) => known === oid));
    const missing = ofProfile.filter((oid) => !extensionIds.includes(oid));
    return [...foreign.map((oid) => `has ${oid}`), ...missing.map((oid) => `lacks ${oid}`)];
  },
};
