/*
 * A certificate authority in memory, with real keys and real signatures. Everything about a certificate can be bent by a `Bend`, so that
 * each fault a validator must see can be made; what is not bent is as our own authority would make it.
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { requireParsed } from '../../runtime/parsed.ts';
import { parseCertificate } from '../../spiffe/certificate.ts';
import { constructedTag, primitiveTag } from '../../spiffe/der-tags.ts';
import * as der from '../../spiffe/der-writer.ts';
import { type KeyUsage, keyUsages } from '../../spiffe/key-usage.ts';
import { oids } from '../../spiffe/object-identifiers.ts';
import { printPem } from '../../spiffe/pem.ts';
import { type X509Bundle, x509Bundle } from '../../spiffe/trust-bundle.ts';
import { requireTrustDomain, type TrustDomain } from '../../spiffe/trust-domain.ts';

export type KeyType = 'P-256' | 'P-384' | 'P-521' | 'RSA-1024' | 'RSA-2048' | 'Ed25519';
export type Digest = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** What to make differently. Left out: as it should be. `null`: leave the extension out. */
export interface Bend {
  readonly version?: 1 | 2 | 3;
  readonly serial?: Uint8Array;
  /** Common names; empty: an empty Name. */
  readonly subject?: string;
  readonly issuer?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly isCa?: boolean;
  /** Left out of a certificate that is no CA. */
  readonly pathLength?: number;
  readonly basicConstraints?: null;
  readonly keyUsage?: readonly KeyUsage[] | null;
  readonly keyUsageCritical?: boolean;
  /** Purposes as dotted object identifiers. */
  readonly extendedKeyUsage?: readonly string[] | null;
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly sanCritical?: boolean;
  /** URI hosts. */
  readonly permittedHosts?: readonly string[];
  readonly excludedHosts?: readonly string[];
  readonly subjectKeyId?: Uint8Array | null;
  readonly authorityKeyId?: Uint8Array | null;
  /** An extension nobody knows. */
  readonly unknownExtension?: 'critical' | 'ignorable';
  /** More extensions as they stand, each one complete element. */
  readonly moreExtensions?: readonly Uint8Array[];
  readonly keyType?: KeyType;
  /** The private key of the certificate; left out: a new one of `keyType`. */
  readonly key?: KeyObject;
  readonly digest?: Digest;
  /** Sign by this key instead of the issuer's. */
  readonly signWith?: KeyObject;
  /** Flip a bit of the signature. */
  readonly signature?: 'broken';
}

/** A certificate with its key. */
export interface KeyedCertificate {
  readonly der: Uint8Array;
  readonly key: KeyObject;
  readonly subject: string;
  readonly keyId: Uint8Array;
}

export interface TestAuthorityOptions {
  readonly trustDomain: string;
  /** Now, for the default times. Left out: the machine's clock. */
  readonly at?: Date;
  readonly anchor?: Bend;
}

export interface IssueOptions {
  /** Such as `/ns/prod/sa/web`. */
  readonly path: string;
  /** Left out: an hour. */
  readonly ttlSeconds?: number;
  readonly notBefore?: Date;
  /** Puts one or more signing certificates between anchor and leaf, from the anchor downwards. */
  readonly intermediate?: boolean | Bend | readonly Bend[];
  readonly leaf?: Bend;
  /** Send the anchor along. */
  readonly sendsAnchor?: boolean;
}

/** An SVID: `chain` in DER, leaf first; the same as PEM text; the leaf's key as PKCS#8 PEM. */
export interface IssuedSvid {
  readonly chain: Uint8Array[];
  readonly key: KeyObject;
  readonly certPem: string;
  readonly keyPem: string;
}

export interface TestAuthority {
  readonly trustDomain: TrustDomain;
  readonly bundle: X509Bundle;
  /** The bundle alone, as a validator takes it. */
  readonly bundles: ReadonlyMap<TrustDomain, X509Bundle>;
  readonly anchorDer: Uint8Array;
  readonly anchorPem: string;
  readonly anchorKey: KeyObject;
  issue(options: IssueOptions): IssuedSvid;
}

/** An authority with one self-signed anchor, valid from a day before `at` to ten days after. */
export function createTestAuthority({
  trustDomain: name,
  at = new Date(),
  anchor: bend = {},
}: TestAuthorityOptions): TestAuthority {
  const trustDomain = requireTrustDomain(name);
  const anchor = buildCertificate(
    {
      subject: `authority-${name}-${randomBytes(4).toString('hex')}`,
      notBefore: secondsFrom(at, -86_400),
      notAfter: secondsFrom(at, 864_000),
      ...signerBend,
      uris: [`spiffe://${trustDomain}`],
      ...bend,
    },
    undefined,
  );
  const bundle = x509Bundle(trustDomain, [requireParsed(parseCertificate(anchor.der))]);
  return {
    trustDomain,
    bundle,
    bundles: new Map([[trustDomain, bundle]]),
    anchorDer: anchor.der,
    anchorPem: printPem(anchor.der),
    anchorKey: anchor.key,
    issue: (options) => issueFrom(anchor, trustDomain, at, options),
  };
}

/** One certificate under `issuer`, self-signed without one. */
export function buildCertificate(bend: Bend, issuer: KeyedCertificate | undefined): KeyedCertificate {
  const key = bend.key ?? generateKey(bend.keyType ?? 'P-256');
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const keyId = bend.subjectKeyId ?? createHash('sha256').update(spki).digest().subarray(0, 20);
  const subject = bend.subject ?? '';
  const signer = bend.signWith ?? issuer?.key ?? key;
  const algorithm = algorithmOf(signer, bend.digest ?? 'sha256');
  const tbs = der.sequence(
    ...(bend.version === 1 ? [] : [der.element(constructedTag(0), der.integer((bend.version ?? 3) - 1))]),
    der.unsignedInteger(bend.serial ?? Uint8Array.of(0x40, ...randomBytes(15))),
    algorithm,
    nameOf(bend.issuer ?? issuer?.subject ?? subject),
    der.sequence(der.time(bend.notBefore ?? new Date(0)), der.time(bend.notAfter ?? new Date(0))),
    nameOf(subject),
    spki,
    ...extensionsOf(bend, keyId, issuer),
  );
  const signature = sign(signer.asymmetricKeyType === 'ed25519' ? null : (bend.digest ?? 'sha256'), tbs, signer);
  const bytes = bend.signature === 'broken' ? flipped(signature) : signature;
  return { der: der.sequence(tbs, algorithm, der.bitString(bytes)), key, subject, keyId };
}

/** One extension, complete. */
export function extension(oid: string, value: Uint8Array, isCritical = false): Uint8Array {
  return der.sequence(der.objectIdentifier(oid), ...(isCritical ? [der.boolean(true)] : []), der.octetString(value));
}

/** `seconds` after `at`, before it when negative. */
export function secondsFrom(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * 1000);
}

const signerBend = { isCa: true, keyUsage: ['keyCertSign', 'cRLSign'], extendedKeyUsage: null } as const;

function issueFrom(anchor: KeyedCertificate, trustDomain: TrustDomain, at: Date, options: IssueOptions): IssuedSvid {
  const notBefore = options.notBefore ?? secondsFrom(at, -60);
  const signers = [anchor];
  for (const bend of intermediateBends(options.intermediate)) {
    const subject = `intermediate-${randomBytes(4).toString('hex')}`;
    const times = { notBefore: secondsFrom(at, -3600), notAfter: secondsFrom(at, 172_800) };
    signers.unshift(
      buildCertificate({ subject, ...times, ...signerBend, uris: [`spiffe://${trustDomain}`], ...bend }, signers[0]),
    );
  }
  const leaf = buildCertificate(
    {
      notBefore,
      notAfter: secondsFrom(at, options.ttlSeconds ?? 3600),
      uris: [`spiffe://${trustDomain}${options.path}`],
      ...options.leaf,
    },
    signers[0],
  );
  const sent = options.sendsAnchor === true ? signers : signers.slice(0, -1);
  const chain = [leaf.der, ...sent.map((signer) => signer.der)];
  return {
    chain,
    key: leaf.key,
    certPem: chain.map((certificate) => printPem(certificate)).join(''),
    keyPem: leaf.key.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

function intermediateBends(intermediate: IssueOptions['intermediate']): readonly Bend[] {
  if (intermediate === undefined || intermediate === false) {
    return [];
  }
  return isBends(intermediate) ? intermediate : [intermediate === true ? {} : intermediate];
}

const isBends = (value: true | Bend | readonly Bend[]): value is readonly Bend[] => Array.isArray(value);

function extensionsOf(bend: Bend, keyId: Uint8Array, issuer: KeyedCertificate | undefined): Uint8Array[] {
  if (bend.version !== undefined && bend.version < 3) {
    return [];
  }
  const isSubjectEmpty = (bend.subject ?? '') === '';
  const authorityKeyId = bend.authorityKeyId === undefined ? issuer?.keyId : bend.authorityKeyId;
  const usages = bend.keyUsage === undefined ? (['digitalSignature'] as const) : bend.keyUsage;
  const purposes = bend.extendedKeyUsage === undefined ? [oids.serverAuth, oids.clientAuth] : bend.extendedKeyUsage;
  const extensions = [
    ...(bend.basicConstraints === null ? [] : [basicConstraintsOf(bend)]),
    ...(usages === null ? [] : [keyUsageOf(usages, bend.keyUsageCritical ?? true)]),
    ...(purposes === null
      ? []
      : [extension(oids.extendedKeyUsage, der.sequence(...purposes.map(der.objectIdentifier)))]),
    ...subjectAltNameOf(bend, bend.sanCritical ?? isSubjectEmpty),
    ...(bend.subjectKeyId === null ? [] : [extension(oids.subjectKeyIdentifier, der.octetString(keyId))]),
    ...(authorityKeyId === undefined || authorityKeyId === null ? [] : [authorityKeyIdOf(authorityKeyId)]),
    ...nameConstraintsOf(bend),
    ...(bend.unknownExtension === undefined
      ? []
      : [extension('1.3.6.1.4.1.55555.1', der.nullValue(), bend.unknownExtension === 'critical')]),
    ...(bend.moreExtensions ?? []),
  ];
  return [der.element(constructedTag(3), der.sequence(...extensions))];
}

function basicConstraintsOf({ isCa = false, pathLength }: Bend): Uint8Array {
  const ca = isCa ? [der.boolean(true)] : [];
  const length = pathLength === undefined || !isCa ? [] : [der.integer(pathLength)];
  return extension(oids.basicConstraints, der.sequence(...ca, ...length), true);
}

function keyUsageOf(usages: readonly KeyUsage[], isCritical: boolean): Uint8Array {
  return extension(oids.keyUsage, der.namedBits(usages.map((usage) => keyUsages.indexOf(usage))), isCritical);
}

function subjectAltNameOf({ uris = [], dnsNames = [] }: Bend, isCritical: boolean): Uint8Array[] {
  const names = [
    ...uris.map((uri) => der.asciiText(primitiveTag(6), uri)),
    ...dnsNames.map((name) => der.asciiText(primitiveTag(2), name)),
  ];
  return names.length === 0 ? [] : [extension(oids.subjectAltName, der.sequence(...names), isCritical)];
}

function authorityKeyIdOf(keyId: Uint8Array): Uint8Array {
  return extension(oids.authorityKeyIdentifier, der.sequence(der.element(primitiveTag(0), keyId)));
}

function nameConstraintsOf({ permittedHosts = [], excludedHosts = [] }: Bend): Uint8Array[] {
  const subtrees = (tag: number, hosts: readonly string[]): Uint8Array[] =>
    hosts.length === 0
      ? []
      : [der.element(tag, ...hosts.map((host) => der.sequence(der.asciiText(primitiveTag(6), host))))];
  const value = [...subtrees(constructedTag(0), permittedHosts), ...subtrees(constructedTag(1), excludedHosts)];
  return value.length === 0 ? [] : [extension(oids.nameConstraints, der.sequence(...value), true)];
}

function nameOf(commonName: string): Uint8Array {
  return commonName === ''
    ? der.sequence()
    : der.sequence(der.setOf(der.sequence(der.objectIdentifier(oids.commonName), der.utf8String(commonName))));
}

function generateKey(type: KeyType): KeyObject {
  switch (type) {
    case 'Ed25519':
      return generateKeyPairSync('ed25519').privateKey;
    case 'RSA-1024':
      return generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
    case 'RSA-2048':
      return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    case 'P-256':
    case 'P-384':
    case 'P-521':
      return generateKeyPairSync('ec', { namedCurve: type }).privateKey;
  }
}

const algorithmIds: Readonly<Record<string, string>> = {
  'ec-sha1': '1.2.840.10045.4.1',
  'ec-sha256': oids.ecdsaWithSha256,
  'ec-sha384': oids.ecdsaWithSha384,
  'ec-sha512': oids.ecdsaWithSha512,
  'rsa-sha1': '1.2.840.113549.1.1.5',
  'rsa-sha256': oids.rsaWithSha256,
  'rsa-sha384': oids.rsaWithSha384,
  'rsa-sha512': oids.rsaWithSha512,
};

function algorithmOf(signer: KeyObject, digest: Digest): Uint8Array {
  if (signer.asymmetricKeyType === 'ed25519') {
    return der.sequence(der.objectIdentifier('1.3.101.112'));
  }
  const oid = der.objectIdentifier(algorithmIds[`${signer.asymmetricKeyType ?? ''}-${digest}`] ?? '');
  return signer.asymmetricKeyType === 'rsa' ? der.sequence(oid, der.nullValue()) : der.sequence(oid);
}

/** A bit of the last byte: still DER, no longer the signature. */
function flipped(signature: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(signature);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0x01;
  return bytes;
}
