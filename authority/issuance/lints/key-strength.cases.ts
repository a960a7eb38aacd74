import { generateKeyPairSync } from 'node:crypto';
import { type LintCase, withCertificate } from '../lint.ts';

const spkiOf = (namedCurve: string): Uint8Array =>
  generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'der', type: 'spki' });

export const keyStrengthCases: readonly LintCase[] = [
  {
    name: 'P-384',
    tweak: (subject) => withCertificate({ publicKeySpki: spkiOf('P-384') })(subject),
    findings: ['the key is not P-256'],
  },
  {
    name: 'no key at all',
    tweak: withCertificate({ publicKeySpki: new Uint8Array() }),
    findings: ['the key is not P-256'],
  },
  {
    name: 'ECDSA with SHA-384',
    tweak: withCertificate({ signatureAlgorithm: { oid: '1.2.840.10045.4.3.3', hasPlainParameters: true } }),
    findings: ['the signature is not ECDSA with SHA-256'],
  },
];
