import { describe, expect, it } from 'vitest';
import { parseTrustBundle } from './trust-bundle.ts';

const entry = {
  id: '00ff00ff',
  kind: 'x509',
  public: 'MIIB',
  preparedAt: '2026-11-24T12:00:00Z',
  activeFrom: '2026-11-24T12:00:00Z',
  signUntil: '2026-11-25T12:00:00Z',
  notAfter: '2026-11-26T12:00:00Z',
};

describe('TrustBundle', () => {
  it('reads anchors with their times, and fills what may be absent', () => {
    const parsed = parseTrustBundle({
      metadata: { name: 'demo' },
      spec: { trustDomain: 'demo.example', sequenceBase: '117041926144', authorities: [entry] },
    });
    expect(parsed).toMatchObject({
      ok: true,
      value: { spec: { refreshHintSeconds: 300, authorities: [{ ...entry, fullLead: true }] } },
    });
  });

  it.each([
    ['a time without a zone', { ...entry, notAfter: '2026-11-26T12:00:00' }, '/spec/authorities/0/notAfter'],
    ['an id that is no hex', { ...entry, id: 'XYZ' }, '/spec/authorities/0/id'],
    ['a kind of its own', { ...entry, kind: 'pgp' }, '/spec/authorities/0/kind'],
  ])('refuses %s, and says where', (_, authority, path) => {
    const parsed = parseTrustBundle({
      metadata: { name: 'demo' },
      spec: { trustDomain: 'demo.example', sequenceBase: '1', authorities: [authority] },
    });
    expect(parsed).toMatchObject({ ok: false, problem: { code: 'invalid-trust-bundle', path } });
  });
});
