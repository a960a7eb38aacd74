import { createPublicKey, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requireParsed } from '../runtime/parsed.ts';
import { buildCertificate, createTestAuthority } from '../test/builders/test-authority.ts';
import { parseBundleMap, parseSpiffeBundle, printBundleMap, printSpiffeBundle } from './bundle-document.ts';
import { parseCertificate } from './certificate.ts';
import { type SpiffeBundle, x509Bundle } from './trust-bundle.ts';
import { requireTrustDomain } from './trust-domain.ts';

const td = requireTrustDomain('example.org');
const base64 = (der: Uint8Array): string => Buffer.from(der).toString('base64');
const one = createTestAuthority({ trustDomain: td });
const two = createTestAuthority({ trustDomain: 'example.net' });
const x509Entry = { kty: 'EC', use: 'x509-svid', crv: 'P-256', x: '', y: '', x5c: [base64(one.anchorDer)] };
const jwtEntry = { kty: 'EC', use: 'jwt-svid', kid: 'k1', crv: 'P-256', x: 'AA', y: 'AA' };

const parse = (document: unknown): ReturnType<typeof parseSpiffeBundle> =>
  parseSpiffeBundle(td, JSON.stringify(document));
const sizes = (document: unknown): [number, number] | string => {
  const bundle = parse(document);
  return bundle.ok
    ? [bundle.value.x509.authorities.length, bundle.value.jwtKeys.length]
    : (bundle.problem.clause ?? '');
};

/** What is published, as a stranger reads it. */
interface PublishedKey {
  readonly kty?: string;
  readonly use?: string;
  readonly kid?: string;
  readonly x5c?: readonly string[];
}
const isPublished = (value: unknown): value is { keys: PublishedKey[] } =>
  typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys);
function published(text: string): PublishedKey[] {
  const document: unknown = JSON.parse(text);
  return isPublished(document) ? document.keys : [];
}

const bundle: SpiffeBundle = {
  trustDomain: td,
  x509: x509Bundle(
    td,
    [one.anchorDer, two.anchorDer].map((der) => requireParsed(parseCertificate(der))),
  ),
  jwtKeys: [{ keyId: 'k1', jwk: jwtEntry }],
  sequence: 2n ** 63n + 1n,
  refreshHintSeconds: 60,
};

describe('reading a bundle', () => {
  it('B-01 is reading a JWK set, whose other members do not matter', () => {
    expect(sizes({ keys: [x509Entry, jwtEntry], more: { deep: [1] } })).toEqual([1, 1]);
    expect(sizes({ keys: [{ ...x509Entry, alg: 'x', 'x5t#S256': 1 }] })).toEqual([1, 0]);
  });

  it('B-02 keeps a sequence of 64 bits exactly, and accepts none', () => {
    const read = (text: string): unknown => {
      const found = parseSpiffeBundle(td, `{"keys":[]${text}}`);
      return found.ok ? found.value.sequence : found.problem.clause;
    };
    expect(read(',"spiffe_sequence":18446744073709551615')).toBe(2n ** 64n - 1n);
    expect(read(',"spiffe_sequence":9007199254740993')).toBe(9_007_199_254_740_993n);
    expect([read(',"spiffe_sequence":0'), read('')]).toEqual([0n, undefined]);
    const refused = ['-1', '1.5', '"1"', 'null', '18446744073709551616', '1e3000'].map((value) =>
      read(`,"spiffe_sequence":${value}`),
    );
    expect(refused).toEqual(['B-02', 'B-02', 'B-02', 'B-02', 'B-02', 'B-02']);
  });

  it('B-03 takes the hint as whole seconds, and none as none', () => {
    const hint = (value: unknown): unknown => {
      const found = parse({ keys: [], spiffe_refresh_hint: value });
      return found.ok ? found.value.refreshHintSeconds : found.problem.clause;
    };
    expect([300, 0, undefined, -1, 1.5, '300', null].map(hint)).toEqual([
      300,
      0,
      undefined,
      'B-03',
      'B-03',
      'B-03',
      'B-03',
    ]);
  });

  it('B-04 refuses a document without keys, and takes an empty set for one that trusts nothing', () => {
    expect([{}, { keys: null }, { keys: {} }, [], null, 'keys'].map(sizes)).toEqual([
      'B-04',
      'B-04',
      'B-04',
      'B-04',
      'B-04',
      'B-04',
    ]);
    expect(sizes({ keys: [] })).toEqual([0, 0]);
  });

  it.each<[string, unknown]>([
    ['an unknown kty', { ...x509Entry, kty: 'AKP' }],
    ['no kty', { ...x509Entry, kty: undefined }],
    ['a kty in lower case', { ...x509Entry, kty: 'ec' }],
    ['an unknown use', { ...x509Entry, use: 'wit-svid' }],
    ['no use', { ...x509Entry, use: undefined }],
    ['a use in upper case', { ...x509Entry, use: 'X509-SVID' }],
    ['a use that is no text', { ...x509Entry, use: ['x509-svid'] }],
    ['no object', 5],
    ['null', null],
  ])('B-05 ignores an entry with %s and keeps the rest', (_, entry) => {
    expect(sizes({ keys: [entry, x509Entry, jwtEntry] })).toEqual([1, 1]);
  });

  it('B-05 ignores an anchor whose key nothing here can use', () => {
    const { der: foreign } = buildCertificate({ keyType: 'Ed25519' }, undefined);
    const offCurve = Buffer.from(one.anchorDer);
    const spki = requireParsed(parseCertificate(one.anchorDer)).publicKeySpki;
    const lastOfKey = offCurve.indexOf(spki) + spki.length - 1;
    offCurve[lastOfKey] = (offCurve[lastOfKey] ?? 0) ^ 1;
    const entries = [foreign, offCurve].map((der) => ({ ...x509Entry, x5c: [base64(der)] }));
    expect(sizes({ keys: [...entries, x509Entry] })).toEqual([1, 0]);
  });

  it('B-07 binds what it reads to the trust domain it was read for', () => {
    const read = requireParsed(parse({ keys: [x509Entry] }));
    expect([read.trustDomain, read.x509.trustDomain]).toEqual([td, td]);
  });

  it('B-08 refuses duplicate names anywhere in it', () => {
    for (const text of ['{"keys":[],"keys":[]}', '{"keys":[{"use":"jwt-svid","use":"x509-svid"}]}']) {
      expect(parseSpiffeBundle(td, text)).toMatchObject({
        ok: false,
        problem: { code: 'json-malformed', clause: 'B-08' },
      });
    }
  });

  it('X-14 ignores an entry without a certificate and takes the first of several', () => {
    expect(
      sizes({
        keys: [
          { ...x509Entry, x5c: undefined },
          { ...x509Entry, x5c: [] },
          { ...x509Entry, x5c: 'a' },
        ],
      }),
    ).toEqual([0, 0]);
    const both = requireParsed(
      parse({ keys: [{ ...x509Entry, x5c: [base64(one.anchorDer), base64(two.anchorDer)] }] }),
    );
    expect(both.x509.authorities.map(({ der }) => base64(der))).toEqual([base64(one.anchorDer)]);
  });

  it.each<[string, unknown]>([
    ['a certificate that is none', base64(Buffer.from('no certificate'))],
    [
      'base64url',
      base64(Buffer.from([0xfb, 0xff, 0xfe]))
        .replaceAll('+', '-')
        .replaceAll('/', '_'),
    ],
    ['PEM', one.anchorPem],
    ['a number', 5],
  ])('X-13 refuses the whole document for an x5c of %s, and says where', (_, value) => {
    expect(parse({ keys: [jwtEntry, { ...x509Entry, x5c: [value] }] })).toMatchObject({
      ok: false,
      problem: { clause: 'X-13', path: '/keys/1/x5c/0' },
    });
  });

  it('J-09 ignores a JWT key without kid', () => {
    expect(
      sizes({ keys: [{ ...jwtEntry, kid: undefined }, { ...jwtEntry, kid: '' }, { ...jwtEntry, kid: 5 }, jwtEntry] }),
    ).toEqual([0, 1]);
  });

  it('never throws, whatever the text is', () => {
    const entry = fc.record(
      {
        kty: fc.constantFrom('EC', 'RSA', 1),
        use: fc.constantFrom('x509-svid', 'jwt-svid', null),
        kid: fc.jsonValue(),
        x5c: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.array(entry).map((keys) => JSON.stringify({ keys })),
        ),
        (text) => {
          parseSpiffeBundle(td, text);
          parseBundleMap(text);
        },
      ),
    );
  });
});

describe('the bundle we publish', () => {
  const text = printSpiffeBundle(bundle);

  it('B-01 B-02 B-03 reads back as it was, the sequence in full width', () => {
    expect(text).toContain('"spiffe_sequence":9223372036854775809,"spiffe_refresh_hint":60}');
    expect(requireParsed(parseSpiffeBundle(td, text))).toEqual(bundle);
  });

  it('B-04 has keys even when there are none', () => {
    const empty = {
      ...bundle,
      x509: x509Bundle(td, []),
      jwtKeys: [],
      sequence: undefined,
      refreshHintSeconds: undefined,
    };
    expect(printSpiffeBundle(empty)).toBe('{"keys":[]}');
  });

  it('B-05 B-06 has a kty and a use that everybody knows on every key', () => {
    expect(published(text).map(({ kty, use }) => [kty, use])).toEqual([
      ['EC', 'x509-svid'],
      ['EC', 'x509-svid'],
      ['EC', 'jwt-svid'],
    ]);
  });

  it('X-13 has one entry for each certificate, the certificate alone in x5c, its key beside it and no kid', () => {
    const [first = {}] = published(text);
    expect(Object.keys(first).toSorted()).toEqual(['crv', 'kty', 'use', 'x', 'x5c', 'y']);
    expect(first.x5c).toEqual([base64(one.anchorDer)]);
    const beside = createPublicKey({ key: { ...first }, format: 'jwk' });
    expect(beside.equals(new X509Certificate(one.anchorDer).publicKey)).toBe(true);
  });

  it('J-09 keeps use and kid of a JWT key', () => {
    expect(published(text)[2]).toEqual(jwtEntry);
  });

  it('B-07 B-08 stands in a map under the name of its own trust domain, once', () => {
    const other = { ...bundle, trustDomain: two.trustDomain, x509: two.bundle };
    const map = printBundleMap([bundle, other]);
    expect(requireParsed(parseBundleMap(map))).toEqual(
      new Map([
        [td, bundle],
        [two.trustDomain, other],
      ]),
    );
    expect(() => printBundleMap([bundle, bundle])).toThrow(TypeError);
  });
});

describe('reading a bundle map', () => {
  it.each<[string, string]>([
    ['no trust_domains', '{"keys":[]}'],
    ['trust_domains that are a list', '{"trust_domains":[]}'],
    ['a name that is no trust domain', '{"trust_domains":{"TD":{"keys":[]}}}'],
    ['a name that is an id', '{"trust_domains":{"spiffe://td":{"keys":[]}}}'],
    ['a trust domain twice', '{"trust_domains":{"td":{"keys":[]},"td":{"keys":[]}}}'],
  ])('B-08 refuses %s', (_, text) => {
    expect(parseBundleMap(text)).toMatchObject({ ok: false, problem: { clause: 'B-08' } });
  });

  it('says which bundle is malformed', () => {
    expect(parseBundleMap('{"trust_domains":{"td":{"keys":[]},"a.org":{}}}')).toMatchObject({
      ok: false,
      problem: { clause: 'B-04', path: '/trust_domains/a.org/keys' },
    });
  });
});
