import { createHash, type KeyObject, sign } from 'node:crypto';
import { decodeDer, derCursor, readWholeBytes } from '../../spiffe/der.ts';
import { constructedTag, primitiveTag, tags } from '../../spiffe/der-tags.ts';
import {
  asciiText,
  bitString,
  boolean,
  element,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  unsignedInteger,
  utf8String,
} from '../../spiffe/der-writer.ts';
import { type KeyUsage, keyUsages } from '../../spiffe/key-usage.ts';
import { oids } from '../../spiffe/object-identifiers.ts';

/*
 * The pieces of a certificate of ours in DER (RFC 5280, section 4): what anchors and leaves share. All are signed by P-256 with SHA-256.
 */

export const ecdsaWithSha256 = sequence(objectIdentifier(oids.ecdsaWithSha256));
export const version3 = element(constructedTag(0), integer(2));
export const emptyName = sequence();

/** A Name of one common name. */
export function commonName(text: string): Uint8Array {
  return sequence(setOf(sequence(objectIdentifier(oids.commonName), utf8String(text))));
}

export function serialNumber(hex: string): Uint8Array {
  return unsignedInteger(Buffer.from(hex, 'hex'));
}

/** Both ends, cut to whole seconds. */
export function validity(notBefore: Date, notAfter: Date): Uint8Array {
  return sequence(time(notBefore), time(notAfter));
}

/** One extension; DER leaves `critical` out when false. */
export function extension(oid: string, criticality: 'critical' | 'plain', value: Uint8Array): Uint8Array {
  return sequence(objectIdentifier(oid), ...(criticality === 'critical' ? [boolean(true)] : []), octetString(value));
}

export function keyUsage(...usages: readonly KeyUsage[]): Uint8Array {
  return extension(oids.keyUsage, 'critical', namedBits(usages.map((usage) => keyUsages.indexOf(usage))));
}

export function uriName(uri: string, criticality: 'critical' | 'plain'): Uint8Array {
  return extension(oids.subjectAltName, criticality, sequence(asciiText(primitiveTag(6), uri)));
}

export function subjectKeyIdentifier(id: Uint8Array): Uint8Array {
  return extension(oids.subjectKeyIdentifier, 'plain', octetString(id));
}

export function authorityKeyIdentifier(id: Uint8Array): Uint8Array {
  return extension(oids.authorityKeyIdentifier, 'plain', sequence(element(primitiveTag(0), id)));
}

export function extensions(...items: readonly Uint8Array[]): Uint8Array {
  return element(constructedTag(3), sequence(...items));
}

/** RFC 7093, method 1: the first 20 bytes of SHA-256 of the key's bits. `spki`: our own or one that the reader accepted. */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
  const bits = decodeDer(spki, (root) => {
    const cursor = derCursor(root);
    cursor.take(tags.sequence, 'the algorithm');
    return readWholeBytes(cursor.take(tags.bitString, 'the key'));
  });
  if (!bits.ok) {
    throw new TypeError('a key identifier needs a SubjectPublicKeyInfo');
  }
  return createHash('sha256').update(bits.value).digest().subarray(0, 20);
}

/** The certificate over `tbs`, signed by a P-256 key. */
export function signCertificate(tbs: Uint8Array, privateKey: KeyObject): Uint8Array {
  return sequence(tbs, ecdsaWithSha256, bitString(sign('sha256', tbs, privateKey)));
}
