import { objectIdentifier, sequence } from '../../spiffe/der-writer.ts';
import { oids } from '../../spiffe/object-identifiers.ts';
import type { LeafProfile } from './profile.ts';
import {
  authorityKeyIdentifier,
  ecdsaWithSha256,
  emptyName,
  extension,
  extensions,
  keyUsage,
  serialNumber,
  subjectKeyIdentifier,
  uriName,
  validity,
  version3,
} from './tbs.ts';

const basicConstraints = extension(oids.basicConstraints, 'critical', sequence());
const digitalSignature = keyUsage('digitalSignature');
const bothAuths = extension(
  oids.extendedKeyUsage,
  'plain',
  sequence(objectIdentifier(oids.serverAuth), objectIdentifier(oids.clientAuth)),
);

/** The bytes to be signed for a leaf of this profile: TBSCertificate in DER, nothing in it that the profile does not say. */
export function buildLeaf(profile: LeafProfile): Uint8Array {
  return sequence(
    version3,
    serialNumber(profile.serial),
    ecdsaWithSha256,
    profile.issuer,
    validity(profile.notBefore, profile.notAfter),
    emptyName,
    profile.spki,
    extensions(
      basicConstraints,
      digitalSignature,
      bothAuths,
      subjectKeyIdentifier(profile.subjectKeyId),
      authorityKeyIdentifier(profile.authorityKeyId),
      uriName(profile.spiffeId.text, 'critical'),
    ),
  );
}
