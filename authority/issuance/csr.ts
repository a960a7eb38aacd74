import { createHash } from 'node:crypto';
import {
  decodeDer,
  derCursor,
  expectTag,
  readObjectIdentifier,
  readSmallInteger,
  readWholeBytes,
} from '../../spiffe/der.ts';
import { constructedTag, tags } from '../../spiffe/der-tags.ts';
import { readKeyKind } from '../../spiffe/public-key.ts';
import { type Signed, verifySignature } from '../../spiffe/signature.ts';
import { type Granted, granted, refuse } from '../refusal.ts';

export const longestCsrBytes = 8 * 1024;

/** What is believed of a certification request: a public key, and that its holder made the request. */
export interface ProvenKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** SHA-256, hex. */
  readonly publicKeySha256: string;
  readonly csrSha256: string;
}

/**
 * Reads PKCS#10 (RFC 2986), DER, at most 8 KiB, and verifies its signature by its own key. Subject and attributes are passed over: they claim, they prove
 * nothing. Only P-256 keys for now (`key-type`); everything else that is wrong is `csr-invalid`.
 */
export function proveKey(csr: Uint8Array): Granted<ProvenKey> {
  if (csr.length > longestCsrBytes) {
    return refuse('csr-invalid', { detail: 'longer than 8 KiB' });
  }
  const request = decodeDer(csr, readRequest);
  if (!request.ok) {
    return refuse('csr-invalid', { detail: request.problem.message });
  }
  const { spki, signed } = request.value;
  const kind = readKeyKind(spki);
  if (!kind.ok || kind.value.type !== 'ec' || kind.value.curve !== 'P-256') {
    return refuse('key-type', { detail: 'not a P-256 key' });
  }
  const proof = verifySignature(signed, spki);
  if (!proof.ok) {
    return refuse('csr-invalid', { detail: proof.problem.message });
  }
  return granted({ spki, publicKeySha256: sha256(spki), csrSha256: sha256(csr) });
}

function readRequest(root: Parameters<typeof derCursor>[0]): { readonly spki: Uint8Array; readonly signed: Signed } {
  const request = derCursor(expectTag(root, tags.sequence, 'a certification request'));
  const info = request.take(tags.sequence, 'the request itself');
  const algorithm = derCursor(request.take(tags.sequence, 'the signature algorithm'));
  const signature = readWholeBytes(request.take(tags.bitString, 'the signature'));
  request.end('a certification request');
  const oid = readObjectIdentifier(algorithm.take(tags.objectIdentifier, 'the signature algorithm'));
  const hasPlainParameters = algorithm.done();
  return {
    spki: readInfo(info),
    signed: { tbs: info.whole, signatureAlgorithm: { oid, hasPlainParameters }, signature },
  };
}

function readInfo(info: Parameters<typeof derCursor>[0]): Uint8Array {
  const cursor = derCursor(info);
  readSmallInteger(cursor.take(tags.integer, 'the version'));
  cursor.take(tags.sequence, 'the subject');
  const spki = cursor.take(tags.sequence, 'the public key');
  cursor.takeIf(constructedTag(0));
  cursor.end('the request itself');
  return spki.whole;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
