import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { constructedTag } from '../../spiffe/der-tags.ts';
import { bitString, element, integer, objectIdentifier, sequence } from '../../spiffe/der-writer.ts';
import { oids } from '../../spiffe/object-identifiers.ts';

export interface CertificationRequest {
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
  readonly key: KeyObject;
  readonly spki: Uint8Array;
}

/** A PKCS#10 request by a fresh key. `signWith`: another key, so that possession is not proven. */
export function certificationRequest(
  options: { readonly curve?: string; readonly signWith?: KeyObject } = {},
): CertificationRequest {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: options.curve ?? 'P-256' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const info = sequence(integer(0), sequence(), spki, element(constructedTag(0)));
  const signature = sign('sha256', info, options.signWith ?? privateKey);
  const csr = sequence(info, sequence(objectIdentifier(oids.ecdsaWithSha256)), bitString(signature));
  return { csr, key: privateKey, spki };
}
