import { describe, expect, it } from 'vitest';
import { boundWarnings, responseOf } from './response.ts';

const finding = {
  rule: 'credential-in-env',
  path: '/spec/a~1b',
  subject: 'container "web"',
  found: 'a literal',
  fix: 'remove it',
  mode: 'enforce',
} as const;

describe('the answer that says a decision', () => {
  it('AR-01 repeats the uid of the request', () => {
    expect(responseOf('u-1', { kind: 'allowed', warnings: [], annotations: {} })).toEqual({
      uid: 'u-1',
      allowed: true,
    });
  });

  it('AR-10 carries patch and patchType together or not at all', () => {
    const patched = responseOf('u', { kind: 'allowed', patch: 'W10=', warnings: [], annotations: {} });
    expect(patched).toMatchObject({ patch: 'W10=', patchType: 'JSONPatch' });
    const plain = responseOf('u', { kind: 'allowed', warnings: [], annotations: {} });
    expect('patch' in plain || 'patchType' in plain).toBe(false);
  });

  it('AR-16 bounds warnings in number, length and characters, in their order', () => {
    const warnings = [
      `tab\there\u0007`,
      'x'.repeat(500),
      'umlaut ä',
      ...Array.from({ length: 20 }, (_, index) => `w${index}`),
    ];
    const bound = boundWarnings(warnings);
    expect(bound).toHaveLength(10);
    expect(bound[0]).toBe('tab here ');
    expect(bound[1]).toHaveLength(120);
    expect(bound[2]).toBe('umlaut  ');
    expect(bound[9]).toBe('and 14 more');
    expect(bound.every((text) => /^[ -~]{0,120}$/.test(text))).toBe(true);
  });

  it('AR-16 says the same thing once', () => {
    expect(boundWarnings(['a', 'b', 'a'])).toEqual(['a', 'b']);
  });

  it('AR-18 denies with 403 Forbidden, a message and at most 20 causes, without warnings', () => {
    const response = responseOf('u', {
      kind: 'denied',
      message: 'no',
      findings: Array.from({ length: 30 }, () => finding),
      annotations: {},
    });
    expect(response.allowed).toBe(false);
    expect(response.status).toMatchObject({ code: 403, reason: 'Forbidden', message: 'no' });
    expect(response.status?.details.causes).toHaveLength(20);
    expect(response.status?.details.causes[0]).toEqual({
      reason: 'credential-in-env',
      field: '/spec/a~1b',
      message: 'container "web": a literal',
    });
    expect('warnings' in response).toBe(false);
  });

  it('AR-18 has no status when allowed', () => {
    expect('status' in responseOf('u', { kind: 'allowed', warnings: ['w'], annotations: {} })).toBe(false);
  });
});
