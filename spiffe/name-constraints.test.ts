import { describe, expect, it } from 'vitest';
import { requireParsed } from '../runtime/parsed.ts';
import { buildCertificate, extension } from '../test/builders/test-authority.ts';
import { parseCertificate } from './certificate.ts';
import type { NameConstraints, Subtree } from './certificate-extensions.ts';
import { constructedTag, primitiveTag } from './der-tags.ts';
import * as der from './der-writer.ts';
import { findConstraintViolation } from './name-constraints.ts';
import { oids } from './object-identifiers.ts';

type Names = Parameters<typeof buildCertificate>[0];

const uri = (base: string): Subtree => ({ form: 'uri', base });
const dns = (base: string): Subtree => ({ form: 'dns', base });
const permitted = (...trees: Subtree[]): NameConstraints => ({ permitted: trees, excluded: [] });
const excluded = (...trees: Subtree[]): NameConstraints => ({ permitted: [], excluded: trees });

function keepsTo(constraints: NameConstraints, names: Names): boolean {
  const certificate = requireParsed(parseCertificate(buildCertificate(names, undefined).der));
  return findConstraintViolation(constraints, certificate) === undefined;
}

describe('X-12 findConstraintViolation', () => {
  it.each<[string, NameConstraints, Names, boolean]>([
    ['a permitted host', permitted(uri('td.org')), { uris: ['spiffe://td.org/a'] }, true],
    ['a permitted host in another case', permitted(uri('TD.org')), { uris: ['spiffe://td.org/a'] }, true],
    ['another host', permitted(uri('td.org')), { uris: ['spiffe://td.net/a'] }, false],
    ['a host below a host', permitted(uri('td.org')), { uris: ['spiffe://a.td.org/a'] }, false],
    ['a host that ends alike', permitted(uri('td.org')), { uris: ['spiffe://xtd.org/a'] }, false],
    ['a host below a domain', permitted(uri('.td.org')), { uris: ['spiffe://a.td.org/a'] }, true],
    ['the domain itself', permitted(uri('.td.org')), { uris: ['spiffe://td.org/a'] }, false],
    ['one of several', permitted(uri('td.net'), uri('td.org')), { uris: ['spiffe://td.org/a'] }, true],
    ['a good and a bad URI', permitted(uri('td.org')), { uris: ['spiffe://td.org/a', 'spiffe://td.net'] }, false],
    ['a host hidden in user info', permitted(uri('td.org')), { uris: ['https://td.org@evil.org/'] }, false],
    ['an excluded host behind user info', excluded(uri('evil.org')), { uris: ['https://td.org@evil.org/'] }, false],
    ['a host that is a domain with its dot', permitted(uri('.td.org')), { uris: ['spiffe://.td.org/a'] }, false],
    ['a host before a port', permitted(uri('td.org')), { uris: ['https://td.org:443/'] }, true],
    ['a host before a query', permitted(uri('td.org')), { uris: ['https://td.org?evil.org'] }, true],
    ['a URI without a host', permitted(uri('td.org')), { uris: ['urn:a:b'] }, false],
    ['a URI without a host, none permitted', excluded(uri('td.org')), { uris: ['urn:a:b'] }, false],
    ['no URI at all', permitted(uri('td.org')), { dnsNames: ['a'] }, true],
    ['an excluded host', excluded(uri('td.org')), { uris: ['spiffe://td.org/a'] }, false],
    ['a host beside an excluded one', excluded(uri('td.org')), { uris: ['spiffe://td.net/a'] }, true],
    ['a host below an excluded domain', excluded(uri('.td.org')), { uris: ['spiffe://a.td.org/a'] }, false],
    [
      'a host both permitted and excluded',
      { permitted: [uri('.org')], excluded: [uri('td.org')] },
      { uris: ['spiffe://td.org/a'] },
      false,
    ],
    ['a DNS name under a URI constraint', permitted(uri('td.org')), { dnsNames: ['td.net'] }, true],
    ['a permitted DNS name', permitted(dns('td.org')), { dnsNames: ['td.org'] }, true],
    ['a DNS name below', permitted(dns('td.org')), { dnsNames: ['a.td.org'] }, true],
    ['a DNS name that ends alike', permitted(dns('td.org')), { dnsNames: ['xtd.org'] }, false],
    ['an excluded DNS name', excluded(dns('td.org')), { dnsNames: ['A.TD.ORG'] }, false],
    [
      'a subject under a constraint on directory names',
      permitted({ form: 'other', tag: 0xa4 }),
      { subject: 'a' },
      false,
    ],
    ['no subject under such a constraint', permitted({ form: 'other', tag: 0xa4 }), { uris: ['spiffe://td/a'] }, true],
    [
      'an address under a constraint on addresses',
      excluded({ form: 'other', tag: 0x87 }),
      { moreExtensions: [addressSan()] },
      false,
    ],
  ])('judges %s', (_, constraints, names, expected) => {
    expect(keepsTo(constraints, names)).toBe(expected);
  });

  it('reads what a certificate states, forms it cannot judge among it', () => {
    const value = der.sequence(
      der.element(
        constructedTag(0),
        der.sequence(der.asciiText(primitiveTag(6), 'td.org')),
        der.sequence(der.asciiText(primitiveTag(2), 'td.org')),
        der.sequence(der.element(constructedTag(4), der.sequence())),
      ),
    );
    const { der: bytes } = buildCertificate(
      { moreExtensions: [extension(oids.nameConstraints, value, true)] },
      undefined,
    );
    expect(requireParsed(parseCertificate(bytes)).nameConstraints).toEqual({
      permitted: [uri('td.org'), dns('td.org'), { form: 'other', tag: 0xa4 }],
      excluded: [],
    });
  });
});

function addressSan(): Uint8Array {
  return extension(oids.subjectAltName, der.sequence(der.element(primitiveTag(7), Uint8Array.of(10, 0, 0, 1))));
}
