/*
 * What makes a certificate an X.509-SVID (X509-SVID, sections 2 to 5): the checks of form that need no bundle and no clock.
 */
import { accepted, type Parsed, type Problem, refused } from '../runtime/parsed.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { problem, refuse } from './failures.ts';
import { parseSpiffeId, type SpiffeId } from './spiffe-id.ts';

/** The most certificates of a path, the anchor among them: leaf, two intermediates, anchor. */
export const pathLimit = 4;

/** An SVID whose form is right. Nothing is verified: that is `verifyX509Svid`. */
export interface X509Svid {
  readonly spiffeId: SpiffeId;
  /** Leaf first, then what the holder sends along. */
  readonly chain: readonly Certificate[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Of the leaf, lower-case hexadecimal. */
  readonly serial: string;
}

/**
 * Reads an SVID from DER certificates, leaf first, 1 to 4 of them.
 *
 * Refuses a leaf that breaks and a signing certificate that breaks X-05, each with the clause. Checks neither
 * signatures, times nor trust.
 */
export function parseX509Svid(chain: readonly Uint8Array[]): Parsed<X509Svid> {
  const certificates = parseChain(chain);
  if (!certificates.ok) {
    return certificates;
  }
  const [leaf, ...signers] = certificates.value;
  if (leaf === undefined) {
    return refuse('chain-empty', 'no certificate was shown');
  }
  const spiffeId = readLeafId(leaf);
  if (!spiffeId.ok) {
    return spiffeId;
  }
  const fault = signers.map(findSignerFault).find((found) => found !== undefined);
  if (fault !== undefined) {
    return refused(fault);
  }
  const { notBefore, notAfter, serial } = leaf;
  return accepted({ spiffeId: spiffeId.value, chain: certificates.value, notBefore, notAfter, serial });
}

/** Reads 1 to 4 certificates, the problem's path saying which one is malformed. */
export function parseChain(chain: readonly Uint8Array[]): Parsed<readonly Certificate[]> {
  if (chain.length === 0) {
    return refuse('chain-empty', 'no certificate was shown');
  }
  if (chain.length > pathLimit) {
    return refuse('chain-too-long', `a path has at most ${pathLimit} certificates`);
  }
  const certificates: Certificate[] = [];
  for (const [index, der] of chain.entries()) {
    const certificate = parseCertificate(der);
    if (!certificate.ok) {
      return refused({ ...certificate.problem, path: `/${index}` });
    }
    certificates.push(certificate.value);
  }
  return accepted(certificates);
}

/** The SPIFFE ID of a certificate that may authenticate a workload. X509-SVID sections 2, 4 and 5.2. */
export function readLeafId(leaf: Certificate): Parsed<SpiffeId> {
  const fault = findLeafFault(leaf);
  if (fault !== undefined) {
    return refused(fault);
  }
  const [uri, ...more] = leaf.uris;
  if (uri === undefined || more.length > 0) {
    return refuse('leaf-not-an-svid', `a leaf has exactly one URI, this one has ${leaf.uris.length}`, {
      clause: 'X-01',
    });
  }
  const id = parseSpiffeId(uri);
  return id.ok && id.value.path.length === 0
    ? refuse('leaf-not-an-svid', 'the SPIFFE ID of a leaf has a path', { clause: 'X-03' })
    : id;
}

/** Why a certificate may not sign others: X-05. Its SPIFFE ID, if it has one, has no path; a URI of another scheme is no SPIFFE ID. */
export function findSignerFault(signer: Certificate): Problem | undefined {
  return findSigningFault(signer) ?? findSignerIdFault(signer);
}

/** X-05 without the id: what holds for anchors of others too, whose SPIFFE ID nobody checks. */
export function findSigningFault({ basicConstraints, keyUsage }: Certificate): Problem | undefined {
  if (basicConstraints?.isCa !== true) {
    return problem('signer-not-allowed', 'a certificate that signs others is a CA', { clause: 'X-05' });
  }
  if (keyUsage?.usages.has('keyCertSign') !== true) {
    return problem('signer-not-allowed', 'a certificate that signs others has key usage keyCertSign', {
      clause: 'X-05',
    });
  }
  return undefined;
}

function findSignerIdFault({ uris }: Certificate): Problem | undefined {
  const ids = uris.filter((uri) => uri.slice(0, spiffeScheme.length).toLowerCase() === spiffeScheme);
  if (ids.length > 1) {
    return problem('signer-not-allowed', 'a signing certificate has at most one SPIFFE ID', { clause: 'X-05' });
  }
  const id = ids[0] === undefined ? undefined : parseSpiffeId(ids[0]);
  return id === undefined || (id.ok && id.value.path.length === 0)
    ? undefined
    : problem('signer-not-allowed', 'the SPIFFE ID of a signing certificate has no path', { clause: 'X-05' });
}

const spiffeScheme = 'spiffe:';

function findLeafFault({ basicConstraints, keyUsage }: Certificate): Problem | undefined {
  if (basicConstraints?.isCa === true) {
    return problem('leaf-not-an-svid', 'a signing certificate authenticates nobody', { clause: 'X-06' });
  }
  if (keyUsage === undefined) {
    return problem('leaf-not-an-svid', 'a leaf states its key usage', { clause: 'X-07' });
  }
  if (keyUsage.usages.has('keyCertSign') || keyUsage.usages.has('cRLSign')) {
    return problem('leaf-not-an-svid', 'a leaf has neither keyCertSign nor cRLSign', { clause: 'X-06' });
  }
  if (!keyUsage.usages.has('digitalSignature')) {
    return problem('leaf-not-an-svid', 'a leaf has key usage digitalSignature', { clause: 'X-06' });
  }
  return undefined;
}
