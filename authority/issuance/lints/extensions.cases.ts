import type { LintCase } from '../lint.ts';

const withIds =
  (change: (ids: readonly string[]) => readonly string[]): LintCase['tweak'] =>
  (subject) => ({
    ...subject,
    certificate: { ...subject.certificate, extensionIds: change(subject.certificate.extensionIds) },
  });

export const extensionsCases: readonly LintCase[] = [
  { name: 'certificate policies', tweak: withIds((ids) => [...ids, '2.5.29.32']), findings: ['has 2.5.29.32'] },
  {
    name: 'no basic constraints',
    tweak: withIds((ids) => ids.filter((oid) => oid !== '2.5.29.19')),
    findings: ['lacks 2.5.29.19'],
  },
];
