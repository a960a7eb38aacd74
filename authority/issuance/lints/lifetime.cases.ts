import { type LintCase, withCertificate } from '../lint.ts';

const hours = (subject: { readonly now: Date }, count: number): Date =>
  new Date(subject.now.getTime() + count * 3_600_000);

export const lifetimeCases: readonly LintCase[] = [
  {
    name: '24 h to the second',
    tweak: (subject) =>
      withCertificate({ notBefore: hours(subject, -1), notAfter: hours(subject, 23) })({
        ...subject,
        ttlSeconds: 86_400,
      }),
    findings: ['lives 24 h or more'],
  },
  {
    name: 'longer than granted',
    tweak: (subject) => withCertificate({ notAfter: hours(subject, 2) })(subject),
    findings: ['lives longer than granted'],
  },
  {
    name: 'past its signer',
    tweak: (subject) => ({
      ...subject,
      anchor: { ...subject.anchor, notAfter: new Date(subject.certificate.notAfter.getTime() - 1000) },
    }),
    findings: ['outlives its signer'],
  },
  {
    name: 'not yet valid',
    tweak: (subject) => withCertificate({ notBefore: new Date(subject.now.getTime() + 1000) })(subject),
    findings: ['is not valid now'],
  },
  {
    name: 'over already',
    tweak: (subject) => withCertificate({ notAfter: subject.now })(subject),
    findings: ['is not valid now'],
  },
];
