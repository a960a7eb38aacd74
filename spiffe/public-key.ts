import { createPublicKey, type KeyObject } from 'node:crypto';
import { accepted, type Parsed } from '../runtime/parsed.ts';
import {
  type DerNode,
  decodeDer,
  derCursor,
  expectTag,
  malformed,
  readIntegerBytes,
  readObjectIdentifier,
  readWholeBytes,
} from './der.ts';
import { tags } from './der-tags.ts';
import { refuse } from './failures.ts';
import { oids } from './object-identifiers.ts';

/** What a public key is, without having been given to any cryptographic library. */
export type KeyKind =
  | { readonly type: 'ec'; readonly curve: 'P-256' | 'P-384' | 'P-521' }
  | { readonly type: 'rsa'; readonly bits: number };

const curves: ReadonlyMap<string, 'P-256' | 'P-384' | 'P-521'> = new Map([
  [oids.p256, 'P-256'],
  [oids.p384, 'P-384'],
  [oids.p521, 'P-521'],
]);

const rsaBits = { least: 2048, most: 8192 };

/** 65,537 as DER writes it: the only exponent accepted, since a large one makes a verification as slow as a signature. */
const rsaExponent = Uint8Array.of(1, 0, 1);

/**
 * The kind of a SubjectPublicKeyInfo in DER: named curves P-256, P-384 and P-521, and RSA of 2,048 to 8,192 bits with e = 65,537.
 *
 * Anything else is refused (`key-unsupported`), malformed DER too. Does not ask whether the point lies on its curve: `importPublicKey` does.
 */
export function readKeyKind(spki: Uint8Array): Parsed<KeyKind> {
  return decodeDer(spki, readSpki, 'key-unsupported');
}

/** The key of a SubjectPublicKeyInfo in DER, of a kind that `readKeyKind` accepts. Never throws. */
export function importPublicKey(spki: Uint8Array): Parsed<{ readonly kind: KeyKind; readonly key: KeyObject }> {
  const kind = readKeyKind(spki);
  if (!kind.ok) {
    return kind;
  }
  try {
    return accepted({
      kind: kind.value,
      key: createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }),
    });
  } catch {
    return refuse('key-unsupported', 'this is no point of its curve, or no key');
  }
}

function readSpki(root: DerNode): KeyKind {
  const cursor = derCursor(expectTag(root, tags.sequence, 'a public key'));
  const algorithm = derCursor(cursor.take(tags.sequence, 'the algorithm of a key'));
  const subjectPublicKey = cursor.take(tags.bitString, 'the bits of a key');
  cursor.end('a public key');
  const oid = readObjectIdentifier(algorithm.take(tags.objectIdentifier, 'the algorithm of a key'));
  const parameters = algorithm.takeAny('the parameters of a key');
  algorithm.end('the algorithm of a key');
  if (oid === oids.ecPublicKey) {
    return readEcKind(parameters);
  }
  return oid === oids.rsaEncryption
    ? readRsaKind(parameters, subjectPublicKey)
    : malformed(root, 'only ECDSA and RSA keys are accepted');
}

function readEcKind(parameters: DerNode): KeyKind {
  const curve = curves.get(readObjectIdentifier(expectTag(parameters, tags.objectIdentifier, 'the name of a curve')));
  return curve === undefined ? malformed(parameters, 'the curve is P-256, P-384 or P-521') : { type: 'ec', curve };
}

function readRsaKind(parameters: DerNode, subjectPublicKey: DerNode): KeyKind {
  expectTag(parameters, tags.null, 'the parameters of an RSA key');
  const key = decodeDer(readWholeBytes(subjectPublicKey), readRsaNumbers);
  if (!key.ok) {
    return malformed(subjectPublicKey, key.problem.message);
  }
  const { bits, exponent } = key.value;
  if (bits < rsaBits.least || bits > rsaBits.most) {
    return malformed(subjectPublicKey, `an RSA key has ${rsaBits.least} to ${rsaBits.most} bits`);
  }
  return Buffer.compare(exponent, rsaExponent) === 0
    ? { type: 'rsa', bits }
    : malformed(subjectPublicKey, 'the exponent of an RSA key is 65537');
}

function readRsaNumbers(root: DerNode): { bits: number; exponent: Uint8Array } {
  const cursor = derCursor(expectTag(root, tags.sequence, 'an RSA key'));
  const modulus = readIntegerBytes(cursor.take(tags.integer, 'the modulus'), rsaBits.most / 8 + 1);
  const exponent = readIntegerBytes(cursor.take(tags.integer, 'the exponent'), 9);
  cursor.end('an RSA key');
  const [first = 0, second = 0] = modulus;
  const bits = first === 0 ? (modulus.length - 2) * 8 + bitLength(second) : (modulus.length - 1) * 8 + bitLength(first);
  return { bits, exponent };
}

const bitLength = (byte: number): number => 32 - Math.clz32(byte);
