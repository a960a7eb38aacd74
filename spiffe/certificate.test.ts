import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { requireParsed } from '../runtime/parsed.ts';
import { buildCertificate, createTestAuthority, extension, secondsFrom } from '../test/builders/test-authority.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { constructedTag, primitiveTag } from './der-tags.ts';
import * as der from './der-writer.ts';
import { oids } from './object-identifiers.ts';

const at = new Date('2026-03-01T12:00:00Z');
const authority = createTestAuthority({ trustDomain: 'example.org', at });
const signer = {
  subject: 'signer',
  isCa: true,
  pathLength: 1,
  keyUsage: ['keyCertSign', 'cRLSign'],
  notBefore: at,
  notAfter: secondsFrom(at, 60),
} as const;

const withExtensions = (...moreExtensions: Uint8Array[]): Uint8Array =>
  buildCertificate({ moreExtensions }, undefined).der;

describe('parseCertificate', () => {
  it('agrees with Node about everything that both show', () => {
    const [leaf = new Uint8Array()] = authority.issue({
      path: '/ns/a/sa/b',
      leaf: { subject: 'x', dnsNames: ['b.a.svc'] },
    }).chain;
    const ours = requireParsed(parseCertificate(leaf));
    const theirs = new X509Certificate(leaf);
    expect({
      serial: ours.serial.toUpperCase(),
      notBefore: ours.notBefore.getTime(),
      notAfter: ours.notAfter.getTime(),
      san: ['DNS:b.a.svc', ...ours.uris.map((uri) => `URI:${uri}`)].toSorted(),
      purposes: ours.extendedKeyUsage,
      isCa: ours.basicConstraints?.isCa,
      spki: Buffer.from(ours.publicKeySpki).toString('hex'),
    }).toEqual({
      serial: theirs.serialNumber,
      notBefore: theirs.validFromDate.getTime(),
      notAfter: theirs.validToDate.getTime(),
      san: theirs.subjectAltName?.split(', ').toSorted(),
      purposes: theirs.keyUsage, // Node's name for extended key usage
      isCa: theirs.ca,
      spki: theirs.publicKey.export({ format: 'der', type: 'spki' }).toString('hex'),
    });
  });

  it('reads key usage, constraints and key identifiers from the DER, which Node does not show', () => {
    const { der: bytes, keyId } = buildCertificate(
      { ...signer, permittedHosts: ['.example.org'], excludedHosts: ['bad.org'] },
      undefined,
    );
    const certificate = requireParsed(parseCertificate(bytes));
    expect([...(certificate.keyUsage?.usages ?? [])]).toEqual(['keyCertSign', 'cRLSign']);
    expect(certificate.keyUsage?.isCritical).toBe(true);
    expect(certificate.basicConstraints).toEqual({ isCritical: true, isCa: true, pathLength: 1 });
    expect(certificate.nameConstraints).toEqual({
      permitted: [{ form: 'uri', base: '.example.org' }],
      excluded: [{ form: 'uri', base: 'bad.org' }],
    });
    expect(Buffer.compare(certificate.subjectKeyId ?? new Uint8Array(), keyId)).toBe(0);
    expect(certificate.authorityKeyId).toBeUndefined();
  });

  it('X-02 keeps other alternative names apart from the URI', () => {
    const other = requireParsed(
      parseCertificate(buildCertificate({ uris: ['spiffe://td/a'], dnsNames: ['a'] }, undefined).der),
    );
    expect([other.uris, other.otherSans.map(({ tag }) => tag)]).toEqual([['spiffe://td/a'], [0x82]]);
  });

  it('lists critical extensions that it does not know, and no others', () => {
    const critical = parseCertificate(buildCertificate({ unknownExtension: 'critical' }, undefined).der);
    const ignorable = parseCertificate(buildCertificate({ unknownExtension: 'ignorable' }, undefined).der);
    expect(requireParsed(critical).unknownCritical).toEqual(['1.3.6.1.4.1.55555.1']);
    expect(requireParsed(ignorable).unknownCritical).toEqual([]);
  });

  it('reads a version 1 certificate, which has no extensions', () => {
    expect(requireParsed(parseCertificate(buildCertificate({ version: 1 }, undefined).der))).toMatchObject({
      version: 1,
      extensionIds: [],
    });
  });

  it.each([
    ['an extension that stands twice', withExtensions(extension(oids.keyUsage, der.namedBits([0])))],
    ['a version 2 certificate with extensions', asVersion2WithExtensions()],
    [
      'cA written out as FALSE',
      without('basicConstraints', extension(oids.basicConstraints, der.sequence(der.boolean(false)), true)),
    ],
    [
      'a path length on a leaf',
      without('basicConstraints', extension(oids.basicConstraints, der.sequence(der.integer(0)), true)),
    ],
    [
      'criticality written out as FALSE',
      withExtensions(der.sequence(der.objectIdentifier('1.2.3'), der.boolean(false), der.octetString(der.nullValue()))),
    ],
    ['an alternative name without any name', withExtensions(extension(oids.subjectAltName, der.sequence()))],
    [
      'a URI that is not ASCII',
      withExtensions(extension(oids.subjectAltName, der.sequence(der.element(primitiveTag(6), Uint8Array.of(0xe4))))),
    ],
    [
      'a constructed URI',
      withExtensions(extension(oids.subjectAltName, der.sequence(der.element(constructedTag(6), der.utf8String('a'))))),
    ],
    [
      'an alternative name of no known form',
      withExtensions(extension(oids.subjectAltName, der.sequence(der.asciiText(primitiveTag(9), 'a')))),
    ],
    ['name constraints without any', withExtensions(extension(oids.nameConstraints, der.sequence(), true))],
    [
      'a subtree with a maximum',
      withExtensions(
        extension(
          oids.nameConstraints,
          der.sequence(
            der.element(
              constructedTag(0),
              der.sequence(der.asciiText(primitiveTag(6), 'a'), der.asciiText(primitiveTag(1), '\u0001')),
            ),
          ),
          true,
        ),
      ),
    ],
    ['extended key usage without any purpose', buildCertificate({ extendedKeyUsage: [] }, undefined).der],
    [
      'an extension with bytes after its value',
      without('keyUsage', extension(oids.keyUsage, Buffer.concat([der.namedBits([0]), der.nullValue()]))),
    ],
    ['a serial number of 22 bytes', buildCertificate({ serial: new Uint8Array(22).fill(1) }, undefined).der],
    ['a certificate with bytes after it', Buffer.concat([buildCertificate({}, undefined).der, Buffer.from([0])])],
    ['an empty input', new Uint8Array()],
    [
      'a subtree of no known form',
      withExtensions(
        extension(
          oids.nameConstraints,
          der.sequence(der.element(constructedTag(0), der.sequence(der.utf8String('a')))),
          true,
        ),
      ),
    ],
  ])('refuses %s', (_, bytes) => {
    expect(parseCertificate(bytes)).toMatchObject({ ok: false, problem: { code: 'certificate-malformed' } });
  });

  it.each([
    ['a part that is no set', der.sequence()],
    ['an empty part', der.setOf()],
    ['an attribute without a value', der.setOf(der.sequence(der.objectIdentifier(oids.commonName)))],
    [
      'an attribute with two values',
      der.setOf(der.sequence(der.objectIdentifier(oids.commonName), der.nullValue(), der.nullValue())),
    ],
  ])('refuses a name with %s', (_, part) => {
    const certificate = requireParsed(parseCertificate(buildCertificate({ subject: 'x' }, undefined).der));
    const withName = (name: Uint8Array): boolean => parseCertificate(withIssuer(certificate, name)).ok;
    expect([withName(certificate.issuer), withName(der.sequence(part))]).toEqual([true, false]);
  });

  it('refuses a signature algorithm that differs inside and outside', () => {
    const { der: bytes } = buildCertificate({}, undefined);
    const outside = Buffer.from(bytes);
    const algorithm = Buffer.from(der.objectIdentifier(oids.ecdsaWithSha256));
    outside.set(der.objectIdentifier(oids.ecdsaWithSha384), outside.lastIndexOf(algorithm));
    expect(parseCertificate(outside)).toMatchObject({
      ok: false,
      problem: { message: 'the signature algorithms inside and outside differ' },
    });
  });

  it('refuses every truncation of a certificate', () => {
    const { der: bytes } = buildCertificate(signer, undefined);
    const read = Array.from({ length: bytes.length }, (_, length) => parseCertificate(bytes.subarray(0, length)).ok);
    expect(read).not.toContain(true);
  });
});

/** The same certificate with another issuer; its signature no longer fits, which a parser does not see. */
function withIssuer({ tbs, issuer, signature }: Certificate, name: Uint8Array): Uint8Array {
  const bytes = Buffer.from(tbs);
  const start = bytes.indexOf(issuer);
  const headerLength = 4;
  const changed = [bytes.subarray(headerLength, start), name, bytes.subarray(start + issuer.length)];
  return der.sequence(
    der.sequence(...changed),
    der.sequence(der.objectIdentifier(oids.ecdsaWithSha256)),
    der.bitString(signature),
  );
}

function without(name: 'basicConstraints' | 'keyUsage', replacement: Uint8Array): Uint8Array {
  return buildCertificate({ [name]: null, moreExtensions: [replacement] }, undefined).der;
}

/** The builder makes none of these: version 2 on the outside of extensions. */
function asVersion2WithExtensions(): Uint8Array {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const version3 = Buffer.from(requireParsed(parseCertificate(buildCertificate({}, undefined).der)).tbs);
  const written = Buffer.from(der.element(constructedTag(0), der.integer(2)));
  version3.set(der.element(constructedTag(0), der.integer(1)), version3.indexOf(written));
  const algorithm = der.sequence(der.objectIdentifier(oids.ecdsaWithSha256));
  return der.sequence(version3, algorithm, der.bitString(sign('sha256', version3, privateKey)));
}
