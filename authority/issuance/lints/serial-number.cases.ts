import { type LintCase, withCertificate } from '../lint.ts';

export const serialNumberCases: readonly LintCase[] = [
  { name: 'zero', tweak: withCertificate({ serial: '00' }), findings: ['zero'] },
  { name: '17 bytes', tweak: withCertificate({ serial: '01'.repeat(17) }), findings: ['longer than 16 bytes'] },
  { name: 'top bit set', tweak: withCertificate({ serial: '80'.padEnd(32, '1') }), findings: ['top bit set'] },
];
