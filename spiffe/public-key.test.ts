import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as der from './der-writer.ts';
import { oids } from './object-identifiers.ts';
import { importPublicKey, readKeyKind } from './public-key.ts';

const spkiOf = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' });
const rsa = (modulusLength: number, publicExponent = 65_537): Buffer =>
  spkiOf(generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey);
const ec = (namedCurve: string): Buffer => spkiOf(generateKeyPairSync('ec', { namedCurve }).publicKey);

/** An RSA key of any size: the modulus is no product of primes, but nobody here can tell. */
function rsaOfBits(bits: number): Uint8Array {
  const modulus = new Uint8Array(Math.ceil(bits / 8)).fill(0xff);
  modulus[0] = 0xff >> ((8 - (bits % 8)) % 8);
  const numbers = der.sequence(der.unsignedInteger(modulus), der.unsignedInteger(Uint8Array.of(1, 0, 1)));
  return der.sequence(der.sequence(der.objectIdentifier(oids.rsaEncryption), der.nullValue()), der.bitString(numbers));
}

describe('readKeyKind', () => {
  it.each(['P-256', 'P-384', 'P-521'])('knows curve %s', (curve) => {
    expect(readKeyKind(ec(curve))).toEqual({ ok: true, value: { type: 'ec', curve } });
  });

  it.each([2048, 2049, 3072, 4096, 8192])('accepts an RSA key of %i bits', (bits) => {
    expect(readKeyKind(rsaOfBits(bits))).toEqual({ ok: true, value: { type: 'rsa', bits } });
  });

  it('counts bits as Node does', () => {
    const spki = rsa(2048);
    const bits = createPublicKey({ key: spki, format: 'der', type: 'spki' }).asymmetricKeyDetails?.modulusLength;
    expect(readKeyKind(spki)).toEqual({ ok: true, value: { type: 'rsa', bits } });
  });

  it.each([
    ['an RSA key of 1,024 bits', rsa(1024)],
    ['an RSA key of 2,047 bits', rsaOfBits(2047)],
    ['an RSA key of 8,193 bits', rsaOfBits(8193)],
    ['an RSA key with e = 3', rsa(2048, 3)],
    ['curve secp256k1', ec('secp256k1')],
    ['an Ed25519 key', spkiOf(generateKeyPairSync('ed25519').publicKey)],
    [
      'an EC key with explicit parameters',
      spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).publicKey),
    ],
    ['bytes that are no key', Buffer.from('3000', 'hex')],
    ['nothing', Buffer.alloc(0)],
  ])('refuses %s', (_, spki) => {
    expect(importPublicKey(spki)).toMatchObject({ ok: false, problem: { code: 'key-unsupported' } });
  });
});

describe('importPublicKey', () => {
  it('refuses a point that is not on its curve instead of crashing', () => {
    const spki = ec('P-256');
    spki[spki.length - 1] = (spki.at(-1) ?? 0) ^ 1;
    expect(readKeyKind(spki).ok).toBe(true);
    expect(importPublicKey(spki)).toMatchObject({ ok: false, problem: { code: 'key-unsupported' } });
  });
});
