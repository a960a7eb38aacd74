import { verify } from 'node:crypto';
import { accepted, type Parsed } from '../runtime/parsed.ts';
import type { SignatureAlgorithm } from './certificate.ts';
import { refuse } from './failures.ts';
import { oids } from './object-identifiers.ts';
import { importPublicKey, readKeyKind } from './public-key.ts';

/** What was signed, how, and with what outcome: a certificate or a certification request. */
export interface Signed {
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

const algorithms: ReadonlyMap<string, { readonly type: 'ec' | 'rsa'; readonly digest: string }> = new Map([
  [oids.ecdsaWithSha256, { type: 'ec', digest: 'sha256' }],
  [oids.ecdsaWithSha384, { type: 'ec', digest: 'sha384' }],
  [oids.ecdsaWithSha512, { type: 'ec', digest: 'sha512' }],
  [oids.rsaWithSha256, { type: 'rsa', digest: 'sha256' }],
  [oids.rsaWithSha384, { type: 'rsa', digest: 'sha384' }],
  [oids.rsaWithSha512, { type: 'rsa', digest: 'sha512' }],
]);

/**
 * Whether `signed` was signed by the key of the SubjectPublicKeyInfo `signerSpki` (DER): ECDSA on P-256, P-384 or P-521, or RSA PKCS#1
 * v1.5 of 2,048 bits at least, each with SHA-2.
 *
 * Refuses with `algorithm-unsupported`, `key-unsupported` or `signature-invalid`; never throws.
 */
export function verifySignature(signed: Signed, signerSpki: Uint8Array): Parsed<true> {
  const { oid, hasPlainParameters } = signed.signatureAlgorithm;
  const algorithm = algorithms.get(oid);
  if (algorithm === undefined || !hasPlainParameters) {
    return refuse('algorithm-unsupported', 'only ECDSA and RSA signatures with SHA-2 are accepted');
  }
  const signer = importPublicKey(signerSpki);
  if (!signer.ok) {
    return signer;
  }
  if (signer.value.kind.type !== algorithm.type) {
    return refuse('signature-invalid', 'the signature is of another kind than the key');
  }
  try {
    const isGenuine = verify(algorithm.digest, signed.tbs, signer.value.key, signed.signature);
    return isGenuine ? accepted(true) : refuse('signature-invalid', 'the signature does not verify');
  } catch {
    return refuse('signature-invalid', 'the signature cannot be read');
  }
}

/** As measured with OpenSSL 3.5: P-256 and RSA have hand-made code there, the larger curves have none. */
const costs: Readonly<Record<'P-256' | 'P-384' | 'P-521' | 'RSA', number>> = {
  'P-256': 1,
  'P-384': 10,
  'P-521': 22,
  RSA: 4,
};

/** What one verification by this key costs, where P-256 costs 1 and the largest RSA key is meant for all; 0: it is refused unread. */
export function verificationCost(signerSpki: Uint8Array): number {
  const kind = readKeyKind(signerSpki);
  if (!kind.ok) {
    return 0;
  }
  return kind.value.type === 'ec' ? costs[kind.value.curve] : costs.RSA;
}
