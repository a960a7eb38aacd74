import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { oids } from './object-identifiers.ts';
import { type Signed, verificationCost, verifySignature } from './signature.ts';

const tbs = Buffer.from('what was signed');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

const spkiOf = (key: typeof ec): Buffer => createPublicKey(key).export({ format: 'der', type: 'spki' });
const signedBy = (key: typeof ec, oid: string, digest = 'sha256', hasPlainParameters = true): Signed => ({
  tbs,
  signatureAlgorithm: { oid, hasPlainParameters },
  signature: sign(digest, tbs, key),
});
const verdict = (signed: Signed, key: typeof ec): string => {
  const verified = verifySignature(signed, spkiOf(key));
  return verified.ok ? 'genuine' : verified.problem.code;
};

describe('verifySignature', () => {
  it.each([
    ['ecdsa', 'sha256', oids.ecdsaWithSha256, ec],
    ['ecdsa', 'sha384', oids.ecdsaWithSha384, ec],
    ['ecdsa', 'sha512', oids.ecdsaWithSha512, ec],
    ['rsa', 'sha256', oids.rsaWithSha256, rsa],
    ['rsa', 'sha384', oids.rsaWithSha384, rsa],
    ['rsa', 'sha512', oids.rsaWithSha512, rsa],
  ] as const)('accepts %s with %s, by the key that signed and as it was signed', (_, digest, oid, key) => {
    const signed = signedBy(key, oid, digest);
    expect(verdict(signed, key)).toBe('genuine');
    expect(verdict({ ...signed, tbs: Buffer.from('something else') }, key)).toBe('signature-invalid');
    expect(verdict(signedBy(key, oid, digest === 'sha256' ? 'sha512' : 'sha256'), key)).toBe('signature-invalid');
  });

  it('refuses a signature that names another kind of algorithm than its key has, though the key made it', () => {
    expect(verdict(signedBy(rsa, oids.ecdsaWithSha256), rsa)).toBe('signature-invalid');
    expect(verdict(signedBy(ec, oids.rsaWithSha256), ec)).toBe('signature-invalid');
  });

  it.each([
    ['parameters', oids.ecdsaWithSha256, false],
    ['SHA-1', '1.2.840.10045.4.1', true],
    ['RSA-PSS', '1.2.840.113549.1.1.10', true],
  ])('refuses an algorithm with %s', (_, oid, hasPlainParameters) => {
    expect(verdict(signedBy(ec, oid, 'sha256', hasPlainParameters), ec)).toBe('algorithm-unsupported');
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['no DER', Buffer.from('ff', 'hex')],
    ['zeros', Buffer.from('3006020100020100', 'hex')],
  ])('refuses %s as a signature instead of crashing', (_, signature) => {
    expect(verdict({ ...signedBy(ec, oids.ecdsaWithSha256), signature }, ec)).toBe('signature-invalid');
    expect(verdict({ ...signedBy(rsa, oids.rsaWithSha256), signature }, rsa)).toBe('signature-invalid');
  });
});

describe('verificationCost', () => {
  it('rates keys by what they cost, and those that are refused at nothing', () => {
    const curves = ['P-256', 'P-384', 'P-521'].map(
      (namedCurve) => generateKeyPairSync('ec', { namedCurve }).privateKey,
    );
    const costs = [...curves, rsa, generateKeyPairSync('ed25519').privateKey].map((key) =>
      verificationCost(spkiOf(key)),
    );
    expect(costs).toEqual([1, 10, 22, 4, 0]);
  });
});
