import { type LintCase, withCertificate } from '../lint.ts';

export const ownDomainCases: readonly LintCase[] = [
  {
    name: 'another domain',
    tweak: withCertificate({ uris: ['spiffe://other.example/ns/a/sa/b'] }),
    findings: ['of another trust domain'],
  },
  {
    name: 'a domain that ours is a suffix of',
    tweak: withCertificate({ uris: ['spiffe://x.lint.example/ns/a/sa/b'] }),
    findings: ['of another trust domain'],
  },
];
