import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';
import type { RandomBytes } from '../../../runtime/random.ts';
import { bitString, boolean, element, integer, octetString, oid, oids, sequence, set, time, utf8 } from './der.ts';

/** A certificate with its key, both in PEM. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** Mints certificates under one root; real keys, real signatures, nothing stored. */
export interface CertificateAuthority {
  readonly caPem: string;
  /** For TLS clients: the common name is the user, the organizations are the groups, a uid has an attribute of its own. */
  issueClient(subject: {
    readonly commonName: string;
    readonly organizations: readonly string[];
    readonly uid?: string;
    readonly notAfter?: Date;
  }): KeyPair;
  /** For TLS servers at these DNS names and addresses. */
  issueServer(names: readonly string[]): KeyPair;
}

/** A new root of its own (P-256, valid from an hour before `at` for ten years; leaves for a year). */
export function createCertificateAuthority(name: string, at: Date, random: RandomBytes): CertificateAuthority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const notBefore = new Date(at.getTime() - hourMs);
  const issuer = distinguishedName(name, []);
  const issue = (template: Omit<Template, 'serial' | 'issuer' | 'notBefore'>): string =>
    pem('CERTIFICATE', certificate({ ...template, issuer, notBefore, serial: serialNumber(random) }, privateKey));

  const leaf = (
    subject: Buffer,
    extensions: readonly Buffer[],
    notAfter = new Date(at.getTime() + 365 * dayMs),
  ): KeyPair => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const certPem = issue({
      subject,
      notAfter,
      publicKey: pair.publicKey,
      extensions: [notCa, digitalSignature, ...extensions],
    });
    return { certPem, keyPem: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() };
  };

  return {
    caPem: issue({
      subject: issuer,
      notAfter: new Date(at.getTime() + 3650 * dayMs),
      publicKey,
      extensions: [isCa, certificateSigning],
    }),
    issueClient: ({ commonName, organizations, uid, notAfter }) =>
      leaf(distinguishedName(commonName, organizations, uid), [extendedKeyUsage(oids.clientAuth)], notAfter),
    issueServer: (names) =>
      leaf(distinguishedName('kube-apiserver', []), [extendedKeyUsage(oids.serverAuth), subjectAltName(names)]),
  };
}

/** What the real server puts behind `X509SHA256=` into the user's extra: lower-case hex of the certificate's SHA-256. */
export function certificateFingerprint(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex');
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

interface Template {
  readonly serial: Uint8Array;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

const signatureAlgorithm = sequence(oid(oids.ecdsaWithSha256));
const isCa = extension(oids.basicConstraints, true, sequence(boolean(true)));
const notCa = extension(oids.basicConstraints, true, sequence());
const certificateSigning = extension(oids.keyUsage, true, bitString(Buffer.from([0b0000_0110]), 1));
const digitalSignature = extension(oids.keyUsage, true, bitString(Buffer.from([0b1000_0000]), 7));

function certificate(template: Template, issuerKey: KeyObject): Buffer {
  const version3 = element(0xa0, integer(Buffer.from([2])));
  const toBeSigned = sequence(
    version3,
    integer(template.serial),
    signatureAlgorithm,
    template.issuer,
    sequence(time(template.notBefore), time(template.notAfter)),
    template.subject,
    template.publicKey.export({ format: 'der', type: 'spki' }),
    element(0xa3, sequence(...template.extensions)),
  );
  return sequence(toBeSigned, signatureAlgorithm, bitString(sign('sha256', toBeSigned, issuerKey)));
}

function distinguishedName(commonName: string, organizations: readonly string[], uid?: string): Buffer {
  const attribute = (type: string, value: string): Buffer => set(sequence(oid(type), utf8(value)));
  const groups = organizations.map((organization) => attribute(oids.organization, organization));
  const uids = uid === undefined ? [] : [attribute(oids.userUid, uid)];
  return sequence(...groups, attribute(oids.commonName, commonName), ...uids);
}

function extension(type: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(oid(type), ...(isCritical ? [boolean(true)] : []), octetString(value));
}

function extendedKeyUsage(purpose: string): Buffer {
  return extension(oids.extendedKeyUsage, false, sequence(oid(purpose)));
}

function subjectAltName(names: readonly string[]): Buffer {
  const entries = names.map((name) =>
    isIP(name) === 0 ? element(0x82, Buffer.from(name)) : element(0x87, addressBytes(name)),
  );
  return extension(oids.subjectAltName, false, sequence(...entries));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) {
    return Buffer.from(address.split('.').map(Number));
  }
  const [head = '', tail = ''] = address.split('::');
  const words = (text: string): readonly number[] =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const [before, after] = [words(head), words(tail)];
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

function serialNumber(random: RandomBytes): Uint8Array {
  const bytes = Uint8Array.from(random(16));
  // Positive and without a leading zero octet, which DER forbids.
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes;
}

function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
