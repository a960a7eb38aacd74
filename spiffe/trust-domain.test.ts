import { describe, expect, it } from 'vitest';
import { isTrustDomain, parseTrustDomain } from './trust-domain.ts';

describe('parseTrustDomain', () => {
  it.each(['example.org', 'td_1.example-2.org', '192.168.1.1', '-', '..', 'a'.repeat(255)])(
    'ID-03 accepts the name %s',
    (name) => {
      expect(parseTrustDomain(name)).toEqual({ ok: true, value: name });
    },
  );

  it.each(['spiffe://example.org', 'spiffe://example.org/ns/a'])('takes the trust domain of the id %s', (id) => {
    expect(parseTrustDomain(id)).toEqual({ ok: true, value: 'example.org' });
  });

  it.each([
    ['', 'ID-02'],
    ['td:8080', 'ID-02'],
    ['u@td', 'ID-02'],
    ['spiffe:', 'ID-02'],
    ['TD', 'ID-03'],
    ['td/a', 'ID-03'],
    [' td', 'ID-03'],
    ['td\n', 'ID-03'],
    ['*.td', 'ID-03'],
    ['bücher', 'ID-03'],
    ['a'.repeat(256), 'ID-03'],
    ['[::1]', 'ID-04'],
    ['::1', 'ID-04'],
    ['spiffe://td/', 'ID-05'],
    ['SPIFFE://td', 'ID-07'],
    ['https://td', 'ID-01'],
  ])('refuses %j by %s', (text, clause) => {
    expect(parseTrustDomain(text)).toMatchObject({ ok: false, problem: { clause } });
  });

  it('knows a bare name from an id', () => {
    expect([isTrustDomain('td'), isTrustDomain('spiffe://td'), isTrustDomain('')]).toEqual([true, false, false]);
  });
});
