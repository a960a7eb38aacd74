import { describe, expect, it } from 'vitest';
import { type Bend, createTestAuthority } from '../test/builders/test-authority.ts';
import { parseX509Svid } from './x509-svid.ts';

const authority = createTestAuthority({ trustDomain: 'example.org', at: new Date('2026-03-01T12:00:00Z') });
const path = '/ns/prod/sa/web';
const withLeaf = (leaf: Bend): Uint8Array[] => authority.issue({ path, leaf }).chain;
const withSigner = (intermediate: Bend): Uint8Array[] => authority.issue({ path, intermediate }).chain;

describe('parseX509Svid', () => {
  it('gives the id, the times and the serial number of the leaf', () => {
    const svid = parseX509Svid(
      authority.issue({ path, intermediate: true, leaf: { serial: Uint8Array.of(0x80, 0x01) } }).chain,
    );
    expect(svid).toMatchObject({
      ok: true,
      value: {
        serial: '8001',
        notBefore: new Date('2026-03-01T11:59:00Z'),
        notAfter: new Date('2026-03-01T13:00:00Z'),
      },
    });
    expect(svid.ok && [svid.value.spiffeId.text, svid.value.chain.length]).toEqual([
      'spiffe://example.org/ns/prod/sa/web',
      2,
    ]);
  });

  it.each<[string, string, Bend]>([
    ['X-01', 'no URI', { uris: [] }],
    ['X-01', 'a DNS name only', { uris: [], dnsNames: ['web.prod.svc'] }],
    ['X-01', 'two URIs', { uris: ['spiffe://example.org/a', 'spiffe://example.org/b'] }],
    ['X-01', 'the same URI twice', { uris: ['spiffe://example.org/a', 'spiffe://example.org/a'] }],
    ['X-01', 'a second URI of another scheme', { uris: ['spiffe://example.org/a', 'https://example.org/a'] }],
    ['X-03', 'an id without a path', { uris: ['spiffe://example.org'] }],
    ['X-06', 'cA', { isCa: true }],
    ['X-06', 'keyCertSign', { keyUsage: ['digitalSignature', 'keyCertSign'] }],
    ['X-06', 'cRLSign', { keyUsage: ['digitalSignature', 'cRLSign'] }],
    ['X-06', 'no digitalSignature', { keyUsage: ['keyEncipherment'] }],
    ['X-07', 'no key usage', { keyUsage: null }],
    [
      'X-09',
      'the properties of a signing certificate',
      { isCa: true, keyUsage: ['digitalSignature', 'keyCertSign', 'cRLSign'] },
    ],
    ['X-11', 'a URI of another scheme', { uris: ['https://example.org/ns/prod/sa/web'] }],
    ['X-11', 'an id that the parser refuses', { uris: ['spiffe://example.org/../web'] }],
    ['X-11', 'an id with a NUL in it', { uris: ['spiffe://example.org/web\u0000.evil'] }],
  ])('%s refuses a leaf with %s', (clause, _, leaf) => {
    const stated = { 'X-09': 'X-06', 'X-11': undefined }[clause] ?? clause;
    expect(parseX509Svid(withLeaf(leaf))).toMatchObject({
      ok: false,
      problem: clause === 'X-11' ? {} : { clause: stated },
    });
  });

  it('ID-05 says which clause an id in a leaf breaks', () => {
    expect(parseX509Svid(withLeaf({ uris: ['spiffe://example.org/../web'] }))).toMatchObject({
      ok: false,
      problem: { clause: 'ID-05' },
    });
  });

  it.each<[string, string, Bend]>([
    ['X-02', 'other alternative names', { dnsNames: ['web.prod.svc'] }],
    ['X-04', 'a subject and an uncritical SAN', { subject: 'web', sanCritical: false }],
    [
      'X-06',
      'keyEncipherment and keyAgreement besides',
      { keyUsage: ['digitalSignature', 'keyEncipherment', 'keyAgreement'] },
    ],
    ['X-06', 'no basic constraints', { basicConstraints: null }],
    ['X-08', 'no extended key usage', { extendedKeyUsage: null }],
  ])('%s accepts a leaf with %s', (_, __, leaf) => {
    expect(parseX509Svid(withLeaf(leaf)).ok).toBe(true);
  });

  it.each<[string, Bend]>([
    ['no cA', { isCa: false }],
    ['no basic constraints', { basicConstraints: null }],
    ['no keyCertSign', { keyUsage: ['digitalSignature'] }],
    ['no key usage', { keyUsage: null }],
    ['an id with a path', { uris: ['spiffe://example.org/signer'] }],
    ['two ids', { uris: ['spiffe://example.org', 'spiffe://example.net'] }],
    ['an id that is none', { uris: ['spiffe://EXAMPLE.org'] }],
    ['an id in another spelling', { uris: ['SPIFFE://example.org'] }],
  ])('X-05 refuses a signing certificate with %s', (_, signer) => {
    expect(parseX509Svid(withSigner(signer))).toMatchObject({
      ok: false,
      problem: { code: 'signer-not-allowed', clause: 'X-05' },
    });
  });

  it.each<[string, Bend]>([
    ['an id without a path', { uris: ['spiffe://example.org'] }],
    ['no id', { uris: [] }],
    ['a URI that is no SPIFFE ID', { uris: ['https://ca.example.org/1'] }],
    ['keyCertSign alone', { keyUsage: ['keyCertSign'] }],
    ['a path length', { pathLength: 0 }],
  ])('X-05 accepts a signing certificate with %s', (_, signer) => {
    expect(parseX509Svid(withSigner(signer)).ok).toBe(true);
  });

  it('refuses no certificate, five of them, and bytes that are none, saying which', () => {
    const [leaf = new Uint8Array()] = withLeaf({});
    expect(parseX509Svid([])).toMatchObject({ ok: false, problem: { code: 'chain-empty' } });
    expect(parseX509Svid([leaf, leaf, leaf, leaf, leaf])).toMatchObject({
      ok: false,
      problem: { code: 'chain-too-long' },
    });
    expect(parseX509Svid([leaf, Buffer.from('no certificate')])).toMatchObject({
      ok: false,
      problem: { code: 'certificate-malformed', path: '/1' },
    });
  });
});
