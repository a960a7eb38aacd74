/*
 * From the leaf upwards to an anchor of the leaf's own trust domain, at a given instant (RFC 5280, section 6; X509-SVID, section 5).
 *
 *   1. Read at most four certificates, and of the first the SPIFFE ID and the key.
 *   2. Take the bundle of that id's trust domain and no other.
 *   3. List the paths that fit by names and key identifiers: leaf, what was sent along in order, anchor.
 *   4. Of each path judge what costs nothing: times, cA, key usage, path length, critical extensions, name constraints.
 *   5. Verify its signatures, the anchor's first, so that a stranger's certificates are never worth a computation. Over all paths
 *      together they may cost so much and no more.
 *   6. Accept the first path that passes; else tell the first problem.
 *
 * Policies, revocation and extended key usage are not judged here.
 */
import { accepted, type Parsed, type Problem, refused } from '../runtime/parsed.ts';
import { type Certificate, sameBytes } from './certificate.ts';
import { problem, refuse } from './failures.ts';
import { findConstraintViolation } from './name-constraints.ts';
import { importPublicKey } from './public-key.ts';
import { verificationCost, verifySignature } from './signature.ts';
import type { SpiffeId } from './spiffe-id.ts';
import type { X509Bundle } from './trust-bundle.ts';
import type { TrustDomain } from './trust-domain.ts';
import { findSignerFault, findSigningFault, parseChain, pathLimit, readLeafId } from './x509-svid.ts';

/** Who was proven, until when at most, and by which certificates: leaf first, the anchor last. */
export interface VerifiedSvid {
  readonly spiffeId: SpiffeId;
  /** The earliest end of validity on the path. */
  readonly earliestNotAfter: Date;
  readonly chain: readonly Certificate[];
}

/**
 * What verifying signatures may cost for one chain: three of the dearest kind, a longest path. With the figures below, about 4.5 ms.
 * One unit is a verification by P-256, some 65 microseconds.
 */
const signatureBudget = 66;

/**
 * Verifies an X.509-SVID. `chain`: DER, leaf first, 1 to 4 certificates with the anchor if it was sent; `bundles` by trust domain;
 * `at`: the instant at which every certificate of the path must be valid, both ends included.
 *
 * Gives the identity, or the problem with its clause: of the leaf, X-05 of its signers, B-04 and B-07 of the
 * bundle, X-10 of the path, `key-unsupported` of the leaf's own key. Never throws, whatever the bytes are.
 */
export function verifyX509Svid(
  chain: readonly Uint8Array[],
  bundles: ReadonlyMap<TrustDomain, X509Bundle>,
  at: Date,
): Parsed<VerifiedSvid> {
  const certificates = parseChain(chain);
  if (!certificates.ok) {
    return certificates;
  }
  const [leaf, ...sent] = certificates.value;
  if (leaf === undefined) {
    return refuse('chain-empty', 'no certificate was shown');
  }
  const spiffeId = readLeafId(leaf);
  if (!spiffeId.ok) {
    return spiffeId;
  }
  const key = importPublicKey(leaf.publicKeySpki);
  if (!key.ok) {
    return key; // whoever holds it, nothing here could check that they do
  }
  const anchors = anchorsOf(spiffeId.value.trustDomain, bundles);
  if (!anchors.ok) {
    return anchors;
  }
  const path = findPath(leaf, sent, anchors.value, at);
  return path.ok
    ? accepted({ spiffeId: spiffeId.value, earliestNotAfter: earliestEnd(path.value), chain: path.value })
    : path;
}

type Path = readonly [Certificate, ...Certificate[]];

function anchorsOf(
  trustDomain: TrustDomain,
  bundles: ReadonlyMap<TrustDomain, X509Bundle>,
): Parsed<readonly Certificate[]> {
  const bundle = bundles.get(trustDomain);
  if (bundle === undefined) {
    return refuse('bundle-unknown', `nothing is known of trust domain ${trustDomain}`, { clause: 'B-07' });
  }
  if (bundle.trustDomain !== trustDomain) {
    return refuse('bundle-mismatch', `the bundle of ${bundle.trustDomain} does not speak for ${trustDomain}`, {
      clause: 'B-07',
    });
  }
  return bundle.authorities.length === 0
    ? refuse('bundle-empty', `the bundle of ${trustDomain} has no anchor`, { clause: 'B-04' })
    : accepted(bundle.authorities);
}

function findPath(
  leaf: Certificate,
  sent: readonly Certificate[],
  anchors: readonly Certificate[],
  at: Date,
): Parsed<Path> {
  const budget = { left: signatureBudget };
  let first: Problem | undefined;
  for (const path of fittingPaths(leaf, sent, anchors)) {
    const fault = findPathFault(path, at) ?? findSignatureFault(path, budget);
    if (fault === undefined) {
      return accepted(path);
    }
    first ??= fault;
    if (budget.left < 0) {
      break;
    }
  }
  return refused(
    first ?? problem('issuer-unknown', 'no anchor of the trust domain signed this chain', { clause: 'X-10' }),
  );
}

/** Every path that ends in an anchor and fits by names. A leaf that is itself an anchor has no path: it must have been signed. */
function* fittingPaths(
  leaf: Certificate,
  sent: readonly Certificate[],
  anchors: readonly Certificate[],
): Generator<Path> {
  let path: Path = [leaf];
  let last = leaf;
  for (const next of [...sent, undefined]) {
    for (const anchor of anchors) {
      if (path.length < pathLimit && isNamedIssuer(anchor, last)) {
        yield [...path, anchor];
      }
    }
    if (next === undefined || !isNamedIssuer(next, last) || anchors.some((anchor) => sameBytes(anchor.der, next.der))) {
      return;
    }
    path = [...path, next];
    last = next;
  }
}

/** Names by their bytes; key identifiers where both state one (RFC 5280, 4.2.1.1). */
function isNamedIssuer(issuer: Certificate, { issuer: name, authorityKeyId }: Certificate): boolean {
  const keyIdsDiffer =
    authorityKeyId !== undefined &&
    issuer.subjectKeyId !== undefined &&
    !sameBytes(authorityKeyId, issuer.subjectKeyId);
  return sameBytes(issuer.subject, name) && !issuer.subjectIsEmpty && !keyIdsDiffer;
}

function findPathFault(path: Path, at: Date): Problem | undefined {
  for (const [depth, certificate] of path.entries()) {
    const fault =
      findTimeFault(certificate, at) ??
      findExtensionFault(certificate) ??
      findIssuerFault(path, depth) ??
      findNameFault(path, depth);
    if (fault !== undefined) {
      return { ...fault, path: `/${depth}` };
    }
  }
  return undefined;
}

function findTimeFault({ notBefore, notAfter }: Certificate, at: Date): Problem | undefined {
  // Written so that an invalid date passes neither comparison.
  if (!(at.getTime() >= notBefore.getTime())) {
    return problem('not-yet-valid', 'a certificate of the path is not valid yet', { clause: 'X-10' });
  }
  return at.getTime() <= notAfter.getTime()
    ? undefined
    : problem('expired', 'a certificate of the path has expired', { clause: 'X-10' });
}

function findExtensionFault({ unknownCritical: [unknown] }: Certificate): Problem | undefined {
  return unknown === undefined
    ? undefined
    : problem('critical-extension-unknown', `critical extension ${unknown} is not understood`, { clause: 'X-10' });
}

function findIssuerFault(path: Path, depth: number): Problem | undefined {
  const certificate = path[depth];
  if (depth === 0 || certificate === undefined) {
    return undefined;
  }
  const isAnchor = depth === path.length - 1;
  return (
    (isAnchor ? findSigningFault(certificate) : findSignerFault(certificate)) ??
    findLengthFault(path, depth, certificate)
  );
}

/** Intermediates below that are not self-issued count; an anchor's own path length holds too, as OpenSSL and Go have it. */
function findLengthFault(path: Path, depth: number, { basicConstraints }: Certificate): Problem | undefined {
  const below = path.slice(1, depth).filter(({ issuer, subject }) => !sameBytes(issuer, subject)).length;
  const limit = basicConstraints?.pathLength;
  return limit === undefined || below <= limit
    ? undefined
    : problem('path-length-exceeded', 'a signing certificate allows fewer intermediates below it', { clause: 'X-10' });
}

/** Held to the constraints of every certificate above, unless it is a self-issued intermediate (RFC 5280, 6.1.3). */
function findNameFault(path: Path, depth: number): Problem | undefined {
  const certificate = path[depth];
  if (certificate === undefined || (depth > 0 && sameBytes(certificate.issuer, certificate.subject))) {
    return undefined;
  }
  for (const { nameConstraints } of path.slice(depth + 1)) {
    const violation = nameConstraints === undefined ? undefined : findConstraintViolation(nameConstraints, certificate);
    if (violation !== undefined) {
      return problem('name-constraint-violated', violation, { clause: 'X-12' });
    }
  }
  return undefined;
}

function findSignatureFault(path: Path, budget: { left: number }): Problem | undefined {
  for (let depth = path.length - 2; depth >= 0; depth -= 1) {
    const [certificate, signer] = path.slice(depth);
    if (certificate === undefined || signer === undefined) {
      continue;
    }
    budget.left -= verificationCost(signer.publicKeySpki);
    if (budget.left < 0) {
      return problem('too-many-paths', 'too many anchors fit this chain', { clause: 'X-10' });
    }
    const verified = verifySignature(certificate, signer.publicKeySpki);
    if (!verified.ok) {
      return { ...verified.problem, clause: 'X-10', path: `/${depth}` };
    }
  }
  return undefined;
}

function earliestEnd(path: Path): Date {
  return new Date(Math.min(...path.map(({ notAfter }) => notAfter.getTime())));
}
