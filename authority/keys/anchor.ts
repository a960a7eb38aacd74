import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type RandomBytes } from '../../runtime/random.ts';
import { boolean, integer, sequence } from '../../spiffe/der-writer.ts';
import { oids } from '../../spiffe/object-identifiers.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import { authorityDomainId } from '../../spiffe/workload.ts';
import {
  authorityKeyIdentifier,
  commonName,
  ecdsaWithSha256,
  extension,
  extensions,
  keyIdentifier,
  keyUsage,
  serialNumber,
  signCertificate,
  subjectKeyIdentifier,
  uriName,
  validity,
  version3,
} from '../issuance/tbs.ts';
import type { Birth } from './key-schedule.ts';
import type { KeyTimes } from './key-times.ts';
import type { KeyEntry } from './ring-key.ts';

export interface SigningKey {
  readonly entry: KeyEntry;
  readonly privateKey: KeyObject;
}

export interface AnchorOptions {
  readonly birth: Birth;
  readonly trustDomain: TrustDomain;
  readonly times: KeyTimes;
  readonly random: RandomBytes;
}

/**
 * Makes an X.509 signing key and its anchor: P-256, self-signed, subject `CN=authority-<SKI>`, the domain's own id, path length 0, valid from
 * `preparedAt` less the clock error until the entry is pruned. The private part exists as a `KeyObject` only.
 */
export function createAnchor({ birth, trustDomain, times, random }: AnchorOptions): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const ski = keyIdentifier(spki);
  const id = Buffer.from(ski).toString('hex');
  const name = commonName(`authority-${id}`);
  const tbs = sequence(
    version3,
    serialNumber(positive(random(16))),
    ecdsaWithSha256,
    name,
    validity(new Date(birth.preparedAt.getTime() - times.clockErrorMs), birth.notAfter),
    name,
    spki,
    extensions(
      extension(oids.basicConstraints, 'critical', sequence(boolean(true), integer(0))),
      keyUsage('keyCertSign', 'cRLSign'),
      subjectKeyIdentifier(ski),
      authorityKeyIdentifier(ski),
      uriName(authorityDomainId(trustDomain).text, 'plain'),
    ),
  );
  return { entry: { id, public: signCertificate(tbs, privateKey), ...birth }, privateKey };
}

function positive(bytes: Uint8Array): string {
  const serial = Uint8Array.from(bytes);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(serial).toString('hex');
}
