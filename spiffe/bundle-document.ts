/*
 * A trust bundle in the form that trust domains publish: a JWK Set with `spiffe_sequence` and `spiffe_refresh_hint` (SPIFFE Trust Domain
 * and Bundle, section 4). An entry that we do not understand is ignored, a document that is malformed is refused as a whole: the caller
 * then keeps the last good one.
 */
import { accepted, type Parsed, refused, requireParsed } from '../runtime/parsed.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { refuse } from './failures.ts';
import { decodeBase64 } from './pem.ts';
import { importPublicKey } from './public-key.ts';
import { isList, isMembers, type JsonMembers, type JsonValue, parseStrictJson } from './strict-json.ts';
import { type JwtAuthority, type SpiffeBundle, x509Bundle } from './trust-bundle.ts';
import { isTrustDomain, type TrustDomain } from './trust-domain.ts';

/** Sequences are 64 bits wide. */
const sequenceLimit = 2n ** 64n;

const knownKeyTypes: ReadonlySet<string> = new Set(['EC', 'RSA']);

/**
 * Reads the bundle that `trustDomain` publishes; the document does not say whose it is, so the caller must know (B-07).
 *
 * Ignores entries of unknown `kty` or `use` (B-05), X.509 entries without `x5c` or with a key that can verify nothing here, and JWT
 * entries without `kid` (J-09). Refuses a document without `keys` (B-04), with duplicate names (B-08), with a sequence or hint that is no
 * such number, with an `x5c` that is no certificate. JWT keys are not looked into.
 */
export function parseSpiffeBundle(trustDomain: TrustDomain, json: string): Parsed<SpiffeBundle> {
  const document = parseStrictJson(json);
  return document.ok ? readBundle(trustDomain, document.value) : document;
}

/** Reads a map of bundles, `{"trust_domains": {"<name>": <bundle>}}`, each bound to its name (B-07, B-08). */
export function parseBundleMap(json: string): Parsed<ReadonlyMap<TrustDomain, SpiffeBundle>> {
  const document = parseStrictJson(json);
  if (!document.ok) {
    return document;
  }
  const domains = isMembers(document.value) ? document.value.get('trust_domains') : undefined;
  if (!isMembers(domains)) {
    return refuse('bundle-malformed', 'a bundle map has `trust_domains`', { clause: 'B-08', path: '/trust_domains' });
  }
  const bundles = new Map<TrustDomain, SpiffeBundle>();
  for (const [name, value] of domains) {
    const path = `/trust_domains/${pointer(name)}`;
    const bundle = isTrustDomain(name)
      ? readBundle(name, value)
      : refuse('bundle-malformed', 'this is no trust domain', { clause: 'B-08' });
    if (!bundle.ok) {
      return refused({ ...bundle.problem, path: path + (bundle.problem.path ?? '') });
    }
    bundles.set(bundle.value.trustDomain, bundle.value);
  }
  return accepted(bundles);
}

/**
 * Prints a bundle: X.509 entries as X-13 wants them (`use`, `kty`, key, `x5c` of one certificate, no `kid`), JWT entries as they came,
 * the sequence in full width. Throws `TypeError` on an anchor whose key Node cannot read: such a bundle was not made by us.
 */
export function printSpiffeBundle(bundle: SpiffeBundle): string {
  const keys = [...bundle.x509.authorities.map(x509Entry), ...bundle.jwtKeys.map(({ jwk }) => jwk)];
  const members = [
    `"keys":${JSON.stringify(keys)}`,
    // As text, since a number cannot hold 64 bits.
    ...(bundle.sequence === undefined ? [] : [`"spiffe_sequence":${bundle.sequence.toString()}`]),
    ...(bundle.refreshHintSeconds === undefined ? [] : [`"spiffe_refresh_hint":${bundle.refreshHintSeconds}`]),
  ];
  return `{${members.join(',')}}`;
}

/** Prints a map of bundles, each under the name of its own trust domain (B-07). Two of one domain: `TypeError`. */
export function printBundleMap(bundles: readonly SpiffeBundle[]): string {
  if (new Set(bundles.map(({ trustDomain }) => trustDomain)).size < bundles.length) {
    throw new TypeError('a bundle map holds one bundle for each trust domain');
  }
  const members = bundles.map((bundle) => `${JSON.stringify(bundle.trustDomain)}:${printSpiffeBundle(bundle)}`);
  return `{"trust_domains":{${members.join(',')}}}`;
}

function readBundle(trustDomain: TrustDomain, document: JsonValue): Parsed<SpiffeBundle> {
  const keys = isMembers(document) ? document.get('keys') : undefined;
  if (!isMembers(document) || !isList(keys)) {
    return refuse('bundle-malformed', 'a bundle has an array of keys', { clause: 'B-04', path: '/keys' });
  }
  const sequence = readSequence(document.get('spiffe_sequence'));
  if (!sequence.ok) {
    return sequence;
  }
  const hint = readRefreshHint(document.get('spiffe_refresh_hint'));
  if (!hint.ok) {
    return hint;
  }
  const authorities = readAuthorities(keys);
  if (!authorities.ok) {
    return authorities;
  }
  return accepted({
    trustDomain,
    x509: x509Bundle(trustDomain, authorities.value),
    jwtKeys: keys.flatMap(readJwtKey),
    sequence: sequence.value,
    refreshHintSeconds: hint.value,
  });
}

function readSequence(value: JsonValue | undefined): Parsed<bigint | undefined> {
  if (value === undefined) {
    return accepted(undefined);
  }
  const isInteger = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value));
  return isInteger && value >= 0 && value < sequenceLimit
    ? accepted(BigInt(value))
    : refuse('bundle-malformed', 'the sequence is an integer of 64 bits', { clause: 'B-02', path: '/spiffe_sequence' });
}

function readRefreshHint(value: JsonValue | undefined): Parsed<number | undefined> {
  return value === undefined || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0)
    ? accepted(value)
    : refuse('bundle-malformed', 'the refresh hint is a whole number of seconds', {
        clause: 'B-03',
        path: '/spiffe_refresh_hint',
      });
}

function readAuthorities(keys: readonly JsonValue[]): Parsed<readonly Certificate[]> {
  const authorities: Certificate[] = [];
  for (const [index, entry] of keys.entries()) {
    const x5c = isMembers(entry) && isKnown(entry, 'x509-svid') ? entry.get('x5c') : undefined;
    const first = isList(x5c) ? x5c[0] : undefined;
    if (first === undefined) {
      continue; // no certificate at all: not an anchor
    }
    const der = typeof first === 'string' ? decodeBase64(first) : undefined;
    const certificate = der === undefined ? refuse('bundle-malformed', '`x5c` holds base64') : parseCertificate(der);
    if (!certificate.ok) {
      return refused({ ...certificate.problem, clause: 'X-13', path: `/keys/${index}/x5c/0` });
    }
    if (importPublicKey(certificate.value.publicKeySpki).ok) {
      authorities.push(certificate.value);
    }
  }
  return accepted(authorities);
}

function readJwtKey(entry: JsonValue): JwtAuthority[] {
  if (!isMembers(entry) || !isKnown(entry, 'jwt-svid')) {
    return [];
  }
  const keyId = entry.get('kid');
  return typeof keyId === 'string' && keyId !== '' ? [{ keyId, jwk: Object.freeze(plain(entry)) }] : [];
}

/** `kty` and `use` are case-sensitive; what we do not know is for somebody else (B-05). */
function isKnown(entry: JsonMembers, use: 'x509-svid' | 'jwt-svid'): boolean {
  const keyType = entry.get('kty');
  return entry.get('use') === use && typeof keyType === 'string' && knownKeyTypes.has(keyType);
}

/** A JWK as a plain object: `Object.fromEntries` defines members, so that a name such as `__proto__` is a name. */
function plain(members: JsonMembers): Record<string, unknown> {
  return Object.fromEntries([...members].map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(value: JsonValue): unknown {
  if (isList(value)) {
    return value.map(plainValue);
  }
  if (isMembers(value)) {
    return plain(value);
  }
  return typeof value === 'bigint' ? Number(value) : value; // no member of a JWK is that large, and JSON prints no bigint
}

function x509Entry({ der, publicKeySpki }: Certificate): Record<string, unknown> {
  const { key } = requireParsed(importPublicKey(publicKeySpki));
  return { use: 'x509-svid', ...key.export({ format: 'jwk' }), x5c: [Buffer.from(der).toString('base64')] };
}

/** RFC 6901. */
const pointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
