/*
 * Hostile input for the parsers and the validator of `spiffe/`: valid artefacts, mutated. Nothing may throw, and what is let in is judged by
 * somebody else: a grammar as a regular expression, `JSON.parse`, Node's own certificate class, the bytes that were really signed.
 */
import { strict as assert } from 'node:assert';
import { sign, X509Certificate } from 'node:crypto';
import { parseBundleMap, parseSpiffeBundle, printSpiffeBundle } from '../../spiffe/bundle-document.ts';
import { parseCertificate } from '../../spiffe/certificate.ts';
import * as der from '../../spiffe/der-writer.ts';
import { oids } from '../../spiffe/object-identifiers.ts';
import { parsePemCertificates } from '../../spiffe/pem.ts';
import { parseSpiffeId } from '../../spiffe/spiffe-id.ts';
import { isTrustDomain, requireTrustDomain } from '../../spiffe/trust-domain.ts';
import { verifyX509Svid } from '../../spiffe/x509-path.ts';
import { createTestAuthority, type TestAuthority } from '../../test/builders/test-authority.ts';
import { type Chooser, mutateBytes, repeatFor } from './mutator.ts';

/** SPIFFE-ID section 2 in another notation than ours. */
const idGrammar = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*$/;
const nameGrammar = /^[a-z0-9._-]{1,255}$/;

const idSeeds = [
  'spiffe://example.org/ns/prod/sa/web',
  'spiffe://td',
  'spiffe://10.0.0.1/...',
  `spiffe://${'a'.repeat(255)}/a`,
  `spiffe://td/${'a/'.repeat(1016)}aaaa`,
] as const;
const tellingCharacters = bytesOf('/.:@?#%[]\\ \t\n\0*~-_aZ09\u007f\u00e4');

/** Ids: `budgetMs` of mutations chosen by `seed`. Gives how many were tried; throws on a crash or a verdict that the grammar does not share. */
export function fuzzSpiffeId(seed: number, budgetMs: number): number {
  return repeatFor(budgetMs, seed, (choose) => {
    const text = mutateBytes(choose, Buffer.from(choose.pick(idSeeds), 'latin1'), tellingCharacters).toString('latin1');
    const id = parseSpiffeId(text);
    assert.equal(id.ok, idGrammar.test(text) && text.length <= 2048, JSON.stringify(text));
    assert.equal(isTrustDomain(text), nameGrammar.test(text), JSON.stringify(text));
    if (id.ok) {
      assert.equal([`spiffe://${id.value.trustDomain}`, ...id.value.path].join('/'), text);
    } else {
      assert.ok((id.problem.offset ?? -1) <= text.length && id.problem.clause !== undefined, JSON.stringify(text));
    }
  });
}

const td = requireTrustDomain('example.org');

/** Bundle documents, maps of them and PEM files: a crash, what `JSON.parse` refuses, and what does not read back as printed, are thrown. */
export function fuzzBundle(seed: number, budgetMs: number): number {
  const seeds = bundleSeeds();
  const telling = bytesOf('{}[]",:\\u0019-.eE/+= \nnt');
  return repeatFor(budgetMs, seed, (choose) => {
    const text = mutateBytes(choose, Buffer.from(choose.pick(seeds)), telling).toString('utf8');
    parseBundleMap(text);
    parsePemCertificates(text);
    const bundle = parseSpiffeBundle(td, text);
    if (bundle.ok) {
      assert.ok(hasKeys(JSON.parse(text)), text);
      const printed = printSpiffeBundle(bundle.value);
      assert.deepEqual(parseSpiffeBundle(td, printed), bundle);
    }
  });
}

/**
 * Certificates and chains, in two ways. Bytes are changed: then whatever is let in must consist of the very certificates that were signed.
 * What is signed is changed, and signed again by the real issuer: then Node must read the same identity in it.
 */
export function fuzzCertificate(seed: number, budgetMs: number): number {
  const samples = certificateSamples();
  const telling = [0x00, 0x01, 0x03, 0x06, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x86, 0xa0, 0xa3, 0xff] as const;
  return repeatFor(budgetMs, seed, (choose) => {
    const sample = choose.pick(samples);
    if (choose.below(2) === 0) {
      tryChangedBytes(choose, sample, telling);
    } else {
      trySignedAgain(choose, sample, telling);
    }
  });
}

interface Sample {
  readonly authority: TestAuthority;
  readonly chain: readonly Uint8Array[];
}

const at = new Date('2026-03-01T12:00:00Z');

function tryChangedBytes(choose: Chooser, { authority, chain }: Sample, telling: readonly [number, ...number[]]): void {
  const victim = choose.below(chain.length);
  const sent = chain.map((bytes, index) => (index === victim ? mutateBytes(choose, bytes, telling) : bytes));
  const swapped = choose.below(4) === 0 ? sent.toReversed() : sent;
  const verified = verifyX509Svid(swapped, authority.bundles, at);
  const genuine = [...chain, authority.anchorDer].map((bytes) => Buffer.from(bytes).toString('hex'));
  if (verified.ok) {
    for (const { der: bytes } of verified.value.chain) {
      assert.ok(genuine.includes(Buffer.from(bytes).toString('hex')), 'a changed certificate was let in');
    }
  }
}

function trySignedAgain(choose: Chooser, { authority }: Sample, telling: readonly [number, ...number[]]): void {
  const [leaf = new Uint8Array()] = authority.issue({ path: '/ns/prod/sa/web' }).chain;
  const genuine = parseCertificate(leaf);
  assert.ok(genuine.ok);
  const tbs = mutateBytes(choose, genuine.value.tbs, telling);
  const algorithm = der.sequence(der.objectIdentifier(oids.ecdsaWithSha256));
  const changed = der.sequence(tbs, algorithm, der.bitString(sign('sha256', tbs, authority.anchorKey)));
  const verified = verifyX509Svid([changed], authority.bundles, at);
  if (verified.ok) {
    const theirs = new X509Certificate(changed);
    assert.ok(['ec', 'rsa'].includes(theirs.publicKey.asymmetricKeyType ?? ''));
    const names = theirs.subjectAltName?.split(', ').filter((name) => name.startsWith('URI:'));
    assert.deepEqual(names, [`URI:${verified.value.spiffeId.text}`]);
    assert.ok(!theirs.ca && theirs.validFromDate <= at && theirs.validToDate >= at, theirs.toString());
  }
}

function certificateSamples(): readonly [Sample, ...Sample[]] {
  const authority = createTestAuthority({ trustDomain: td, at });
  const constrained = createTestAuthority({
    trustDomain: td,
    at,
    anchor: { permittedHosts: ['example.org'], pathLength: 1 },
  });
  const path = '/ns/prod/sa/web';
  return [
    { authority, chain: authority.issue({ path }).chain },
    { authority, chain: authority.issue({ path, intermediate: true, sendsAnchor: true }).chain },
    { authority: constrained, chain: constrained.issue({ path, intermediate: { excludedHosts: ['.net'] } }).chain },
  ];
}

function bundleSeeds(): readonly [string, ...string[]] {
  const { bundle: x509, anchorPem } = createTestAuthority({ trustDomain: td, at });
  const jwk = { kty: 'EC', use: 'jwt-svid', kid: 'k', crv: 'P-256', x: 'AA', y: 'AA' };
  const jwtKeys = [{ keyId: 'k', jwk }];
  const full = printSpiffeBundle({ trustDomain: td, x509, jwtKeys, sequence: 2n ** 63n, refreshHintSeconds: 300 });
  const small = printSpiffeBundle({
    trustDomain: td,
    x509: { ...x509, authorities: [] },
    jwtKeys,
    sequence: 1n,
    refreshHintSeconds: undefined,
  });
  return [small, full, `{"trust_domains":{"a":${small},"b":${small}}}`, anchorPem];
}

function hasKeys(document: unknown): boolean {
  return typeof document === 'object' && document !== null && 'keys' in document && Array.isArray(document.keys);
}

function bytesOf(characters: string): readonly [number, ...number[]] {
  const [first = 0, ...rest] = Buffer.from(characters, 'latin1');
  return [first, ...rest];
}
