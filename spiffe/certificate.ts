/*
 * An X.509 certificate as data (RFC 5280, section 4). Node's own class shows extended key usage for key usage and joins alternative
 * names into one display string, so both are read from the DER here. Reading judges form only; `x509-svid.ts` and `x509-path.ts` judge
 * what a certificate may be used for.
 */
import type { Parsed } from '../runtime/parsed.ts';
import { type Extensions, noExtensions, readExtensions } from './certificate-extensions.ts';
import {
  type DerNode,
  decodeDer,
  derCursor,
  expectTag,
  malformed,
  readEach,
  readIntegerBytes,
  readObjectIdentifier,
  readOnly,
  readSmallInteger,
  readTime,
  readWholeBytes,
} from './der.ts';
import { constructedTag, tags } from './der-tags.ts';

/** Which algorithm signed, and whether its parameters are absent or NULL, as all that we accept have them. */
export interface SignatureAlgorithm {
  readonly oid: string;
  readonly hasPlainParameters: boolean;
}

/** A certificate that could be read. All bytes are windows on `der`, times have whole seconds. */
export interface Certificate extends Extensions {
  readonly der: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Lower-case hexadecimal, whole bytes, without the sign byte. */
  readonly serial: string;
  /** The whole Name in DER: names are compared by these bytes. */
  readonly issuer: Uint8Array;
  readonly issuerIsEmpty: boolean;
  readonly subject: Uint8Array;
  readonly subjectIsEmpty: boolean;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKeySpki: Uint8Array;
  /** What the signature is over. */
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

/** RFC 5280, 4.1.2.2: up to 20 bytes, and one for the sign. */
const serialLimitBytes = 21;

/**
 * Reads one certificate from DER, at most 64 KiB and nothing after it.
 *
 * Refuses (`certificate-malformed`, with the byte offset) what is not DER, extensions that stand twice or outside version 3, and a
 * signature algorithm that differs inside and outside. Judges neither keys, times, names nor signatures.
 */
export function parseCertificate(der: Uint8Array): Parsed<Certificate> {
  return decodeDer(der, readCertificate, 'certificate-malformed');
}

function readCertificate(root: DerNode): Certificate {
  const outer = derCursor(expectTag(root, tags.sequence, 'a certificate'));
  const tbs = outer.take(tags.sequence, 'the certificate to be signed');
  const algorithm = outer.take(tags.sequence, 'the signature algorithm');
  const signature = readWholeBytes(outer.take(tags.bitString, 'the signature'));
  outer.end('a certificate');
  return {
    der: root.whole,
    tbs: tbs.whole,
    signatureAlgorithm: readAlgorithm(algorithm),
    signature,
    ...readToBeSigned(tbs, algorithm),
  };
}

function readToBeSigned(
  tbs: DerNode,
  algorithm: DerNode,
): Omit<Certificate, 'der' | 'tbs' | 'signatureAlgorithm' | 'signature'> {
  const cursor = derCursor(tbs);
  const version = readVersion(cursor.takeIf(constructedTag(0)));
  const serial = printSerial(readIntegerBytes(cursor.take(tags.integer, 'the serial number'), serialLimitBytes));
  const innerAlgorithm = cursor.take(tags.sequence, 'the inner signature algorithm');
  if (!sameBytes(innerAlgorithm.whole, algorithm.whole)) {
    malformed(innerAlgorithm, 'the signature algorithms inside and outside differ');
  }
  const issuer = readName(cursor.take(tags.sequence, 'the issuer'));
  const validity = readValidity(cursor.take(tags.sequence, 'the validity'));
  const subject = readName(cursor.take(tags.sequence, 'the subject'));
  const publicKey = cursor.take(tags.sequence, 'the public key');
  cursor.takeIf(0x81); // unique identifiers of version 2: obsolete, and of no meaning here
  cursor.takeIf(0x82);
  const extensions = cursor.takeIf(constructedTag(3));
  cursor.end('the certificate to be signed');
  if (extensions !== undefined && version !== 3) {
    malformed(extensions, 'extensions need version 3');
  }
  return {
    version,
    serial,
    issuer: issuer.whole,
    issuerIsEmpty: issuer.content.length === 0,
    ...validity,
    subject: subject.whole,
    subjectIsEmpty: subject.content.length === 0,
    publicKeySpki: publicKey.whole,
    ...(extensions === undefined
      ? noExtensions
      : readExtensions(readOnly(extensions, tags.sequence, 'the extensions'))),
  };
}

/** A Name is compared by its bytes, so only its form is looked at: RDNs, each a set of types with values. */
function readName(name: DerNode): DerNode {
  const readAttribute = (node: DerNode): void => {
    const cursor = derCursor(expectTag(node, tags.sequence, 'an attribute of a name'));
    readObjectIdentifier(cursor.take(tags.objectIdentifier, 'the type of an attribute'));
    cursor.takeAny('the value of an attribute');
    cursor.end('an attribute of a name');
  };
  readEach(name, 'a name', (set) => {
    const attributes = readEach(expectTag(set, tags.set, 'a part of a name'), 'a part of a name', readAttribute);
    return attributes.length > 0 || malformed(set, 'a part of a name has at least one attribute');
  });
  return name;
}

function readVersion(node: DerNode | undefined): 1 | 2 | 3 {
  if (node === undefined) {
    return 1;
  }
  const value = readSmallInteger(readOnly(node, tags.integer, 'the version'));
  if (value === 1) {
    return 2;
  }
  return value === 2 ? 3 : malformed(node, 'the version is 2 or 3 when it is written');
}

function readAlgorithm(node: DerNode): SignatureAlgorithm {
  const cursor = derCursor(node);
  const oid = readObjectIdentifier(cursor.take(tags.objectIdentifier, 'the algorithm'));
  const parameters = cursor.done() ? undefined : cursor.takeAny('the parameters');
  cursor.end('the signature algorithm');
  return {
    oid,
    hasPlainParameters: parameters === undefined || (parameters.tag === tags.null && parameters.content.length === 0),
  };
}

function readValidity(node: DerNode): { notBefore: Date; notAfter: Date } {
  const cursor = derCursor(node);
  const notBefore = readTime(cursor.takeAny('the begin of validity'));
  const notAfter = readTime(cursor.takeAny('the end of validity'));
  cursor.end('the validity');
  return { notBefore, notAfter };
}

function printSerial(bytes: Uint8Array): string {
  const digits = bytes.length > 1 && bytes[0] === 0 ? bytes.subarray(1) : bytes;
  return Buffer.from(digits).toString('hex');
}

/** Whether both hold the same bytes. Not in constant time: for public values. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
