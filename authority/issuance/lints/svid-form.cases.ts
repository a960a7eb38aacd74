import { type LintCase, withCertificate } from '../lint.ts';

export const svidFormCases: readonly LintCase[] = [
  {
    name: 'X-01 two URIs',
    tweak: withCertificate({ uris: ['spiffe://lint.example/ns/a/sa/b', 'spiffe://lint.example/x'] }),
    findings: ['X-01: not exactly one URI and nothing else'],
  },
  {
    name: 'X-01 no URI',
    tweak: withCertificate({ uris: [] }),
    findings: ['X-01: not exactly one URI and nothing else', 'ID: the URI is no SPIFFE ID'],
  },
  {
    name: 'X-02 another name beside it',
    tweak: withCertificate({ otherSans: [{ tag: 0x82, content: new Uint8Array() }] }),
    findings: ['X-01: not exactly one URI and nothing else'],
  },
  {
    name: 'X-03 an id without a path',
    tweak: withCertificate({ uris: ['spiffe://lint.example'] }),
    findings: ['X-03: the id has no path'],
  },
  {
    name: 'ID-05 a dot segment',
    tweak: withCertificate({ uris: ['spiffe://lint.example/a/../b'] }),
    findings: ['ID: the URI is no SPIFFE ID'],
  },
  {
    name: 'X-04 a SAN that is not critical',
    tweak: withCertificate({ sanCritical: false }),
    findings: ['X-04: the subject is not empty, or the SAN not critical'],
  },
  {
    name: 'X-06 a signing certificate',
    tweak: withCertificate({ basicConstraints: { isCritical: true, isCa: true, pathLength: 0 } }),
    findings: ['X-06: cA, or basic constraints not critical'],
  },
  {
    name: 'X-06 keyCertSign',
    tweak: withCertificate({ keyUsage: { isCritical: true, usages: new Set(['digitalSignature', 'keyCertSign']) } }),
    findings: ['X-06: key usage is not digitalSignature alone'],
  },
  {
    name: 'X-07 key usage not critical',
    tweak: withCertificate({ keyUsage: { isCritical: false, usages: new Set(['digitalSignature']) } }),
    findings: ['X-07: key usage is not critical'],
  },
  {
    name: 'X-08 one purpose only',
    tweak: withCertificate({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] }),
    findings: ['X-08: not serverAuth and clientAuth'],
  },
];
