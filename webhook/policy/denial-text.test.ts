import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Denial, denialText } from './denial-text.ts';

const finding = {
  rule: 'credential-in-env',
  subject: 'container "web", env DB_PASSWORD',
  found: 'a literal password',
  fix: 'Take it from a Secret.',
};
const denial: Denial = {
  kind: 'Deployment',
  namespace: 'payments',
  name: 'web',
  findings: [finding],
  decisionId: '8F3K2M9Q7C',
  rulesUrl: 'https://sallyport.dev/rules',
};

describe('the text of a denial', () => {
  it('says what, where, and what to do', () => {
    expect(denialText({ ...denial, findings: [finding, { ...finding, rule: 'workload-ceiling' }] })).toBe(
      [
        'Sallyport refused Deployment payments/web (2 findings)',
        '[credential-in-env] container "web", env DB_PASSWORD: a literal password. Fix: Take it from a Secret.',
        '[workload-ceiling] container "web", env DB_PASSWORD: a literal password. Fix: Take it from a Secret.',
        'Decision 8F3K-2M9Q-7C (decisionId 8F3K2M9Q7C in the audit log)   Rules: https://sallyport.dev/rules',
      ].join('\n'),
    );
  });

  it('names five findings and counts the rest', () => {
    const lines = denialText({ ...denial, findings: Array.from({ length: 12 }, () => finding) }).split('\n');
    expect(lines).toHaveLength(8);
    expect(lines[6]).toBe('and 7 more');
  });

  it('says of one exemption why it did not help', () => {
    const hints = ['Exemption "ci" has expired.', 'Exemption "b" is not approved.'];
    expect(
      denialText({ ...denial, hints })
        .split('\n')
        .slice(2, -1),
    ).toEqual(['Exemption "ci" has expired.']);
  });

  it('says so when an object has no name yet', () => {
    expect(denialText({ ...denial, namespace: '', name: '' })).toContain(
      'Sallyport refused Deployment (without a name) (1 finding)',
    );
  });

  it('AR-37 is at most 4 KiB of printable ASCII, whatever the object is called', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 3000 });
    const findings = fc.array(fc.record({ rule: text, subject: text, found: text, fix: text }), { maxLength: 12 });
    fc.assert(
      fc.property(text, text, text, findings, fc.array(text), (kind, namespace, name, some, hints) => {
        const printed = denialText({ ...denial, kind, namespace, name, findings: some, hints });
        expect(Buffer.byteLength(printed)).toBeLessThanOrEqual(4096);
        expect(printed).toMatch(/^[ -~\n]*$/);
      }),
    );
  });
});
