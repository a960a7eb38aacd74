import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { RandomBytes } from '../../runtime/random.ts';
import {
  asciiText,
  bitString,
  boolean,
  element,
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

/** Life of a serving pair, and the part of it after which the next is made. */
export const pairLifetimeMs = 24 * 60 * 60 * 1_000;
export const renewalShare = 2 / 3;

/** Accepts clocks that are a little behind ours. */
const backdateMs = 5 * 60 * 1_000;

/** A P-256 CA and the leaf it signed, both made for one replica and kept in memory only. The CA's private key is dropped: it signs once. */
export interface ServingPair {
  readonly caPem: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly notAfter: Date;
  readonly renewAt: Date;
}

export interface ServingPairOptions {
  /** DNS names of the webhook's Service, the SANs of the leaf. The API server verifies nothing else (AR-07). */
  readonly dnsNames: readonly string[];
  readonly replica: string;
  readonly now: Date;
  readonly random: RandomBytes;
}

/** Makes a pair that is valid for 24 h. */
export function createServingPair({ dnsNames, replica, now, random }: ServingPairOptions): ServingPair {
  const [ca, leaf] = [newKeys(), newKeys()];
  const validity = {
    notBefore: new Date(now.getTime() - backdateMs),
    notAfter: new Date(now.getTime() + pairLifetimeMs),
  };
  // A name of its own per pair: during an overlap the API server holds several CAs, and finds the issuer by its name.
  const issuer = commonName(`sallyport-webhook ${replica} ${Buffer.from(random(8)).toString('hex')}`.slice(-64));
  const caDer = certificate(ca.privateKey, {
    ...validity,
    serial: newSerial(random),
    issuer,
    subject: issuer,
    publicKey: ca.publicKey,
    extensions: [basicConstraintsOfCa(), keyUsageOf('keyCertSign'), subjectKeyId(ca.publicKey)],
  });
  const leafDer = certificate(ca.privateKey, {
    ...validity,
    serial: newSerial(random),
    issuer,
    subject: sequence(),
    publicKey: leaf.publicKey,
    extensions: [
      keyUsageOf('digitalSignature'),
      serverAuth(),
      authorityKeyId(ca.publicKey),
      alternativeNames(dnsNames),
    ],
  });
  return {
    caPem: pem(caDer),
    certificatePem: pem(leafDer),
    privateKeyPem: leaf.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    notAfter: validity.notAfter,
    renewAt: new Date(now.getTime() + pairLifetimeMs * renewalShare),
  };
}

interface Template {
  readonly serial: Uint8Array;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
}

/** RFC 5280 section 4.1, version 3, ecdsa-with-SHA256. */
function certificate(signer: KeyObject, template: Template): Uint8Array {
  const algorithm = sequence(objectIdentifier(oids.ecdsaWithSha256));
  const version3 = element(0xa0, unsignedInteger(Uint8Array.of(2)));
  const toBeSigned = sequence(
    version3,
    unsignedInteger(template.serial),
    algorithm,
    template.issuer,
    sequence(time(template.notBefore), time(template.notAfter)),
    template.subject,
    spki(template.publicKey),
    element(0xa3, sequence(...template.extensions)),
  );
  return sequence(toBeSigned, algorithm, bitString(sign('sha256', toBeSigned, signer)));
}

function newKeys(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** 127 random bits: positive, and never zero. */
function newSerial(random: RandomBytes): Uint8Array {
  const serial = Uint8Array.from(random(16));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function spki(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'spki' });
}

function keyId(key: KeyObject): Uint8Array {
  return createHash('sha1').update(spki(key)).digest();
}

function commonName(text: string): Uint8Array {
  return sequence(setOf(sequence(objectIdentifier(oids.commonName), utf8String(text))));
}

function extension(oid: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  return sequence(objectIdentifier(oid), ...(isCritical ? [boolean(true)] : []), octetString(value));
}

function basicConstraintsOfCa(): Uint8Array {
  return extension(oids.basicConstraints, true, sequence(boolean(true), unsignedInteger(Uint8Array.of(0))));
}

function keyUsageOf(usage: KeyUsage): Uint8Array {
  return extension(oids.keyUsage, true, namedBits([keyUsages.indexOf(usage)]));
}

function serverAuth(): Uint8Array {
  return extension(oids.extendedKeyUsage, false, sequence(objectIdentifier(oids.serverAuth)));
}

function subjectKeyId(key: KeyObject): Uint8Array {
  return extension(oids.subjectKeyIdentifier, false, octetString(keyId(key)));
}

function authorityKeyId(key: KeyObject): Uint8Array {
  return extension(oids.authorityKeyIdentifier, false, sequence(element(0x80, keyId(key))));
}

/** Critical, for the subject is empty (RFC 5280 section 4.1.2.6). `[2]` is a dNSName. */
function alternativeNames(dnsNames: readonly string[]): Uint8Array {
  return extension(oids.subjectAltName, true, sequence(...dnsNames.map((name) => asciiText(0x82, name))));
}

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
