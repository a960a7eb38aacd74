import { type LintCase, withCertificate } from '../lint.ts';

export const keyIdentifiersCases: readonly LintCase[] = [
  {
    name: 'a foreign subject key identifier',
    tweak: withCertificate({ subjectKeyId: new Uint8Array(20) }),
    findings: ['the subject key identifier is not of this key'],
  },
  {
    name: 'no authority key identifier',
    tweak: withCertificate({ authorityKeyId: undefined }),
    findings: ['the authority key identifier is not the anchor’s'],
  },
  {
    name: 'another issuer',
    tweak: withCertificate({ issuer: Uint8Array.of(0x30, 0) }),
    findings: ['the issuer is not the anchor'],
  },
];
