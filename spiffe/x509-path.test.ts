import { describe, expect, it } from 'vitest';
import { requireParsed } from '../runtime/parsed.ts';
import {
  type Bend,
  buildCertificate,
  createTestAuthority,
  type IssueOptions,
  secondsFrom,
} from '../test/builders/test-authority.ts';
import { parseCertificate } from './certificate.ts';
import { type X509Bundle, x509Bundle } from './trust-bundle.ts';
import { requireTrustDomain } from './trust-domain.ts';
import { verifyX509Svid } from './x509-path.ts';

const at = new Date('2026-03-01T12:00:00Z');
const path = '/ns/prod/sa/web';
const id = 'spiffe://example.org/ns/prod/sa/web';
const td = requireTrustDomain('example.org');
const authority = createTestAuthority({ trustDomain: td, at });
const other = createTestAuthority({ trustDomain: 'example.net', at });

const issue = (options: Partial<IssueOptions> = {}): Uint8Array[] => authority.issue({ path, ...options }).chain;
const verify = (
  chain: readonly Uint8Array[],
  instant = at,
  bundles = authority.bundles,
): ReturnType<typeof verifyX509Svid> => verifyX509Svid(chain, bundles, instant);
const refusedBy = (code: string, clause: string): object => ({ ok: false, problem: { code, clause } });
const bundleOf = (...anchors: readonly Uint8Array[]): ReadonlyMap<typeof td, X509Bundle> =>
  new Map([
    [
      td,
      x509Bundle(
        td,
        anchors.map((der) => requireParsed(parseCertificate(der))),
      ),
    ],
  ]);

describe('verifyX509Svid', () => {
  it.each<[string, Partial<IssueOptions>, number]>([
    ['signed by an anchor', {}, 2],
    ['with an intermediate', { intermediate: true }, 3],
    ['with two intermediates', { intermediate: [{}, {}] }, 4],
    ['that sends the anchor along', { sendsAnchor: true }, 2],
    ['that sends intermediate and anchor along', { intermediate: true, sendsAnchor: true }, 3],
    ['with P-384 and SHA-384', { intermediate: { keyType: 'P-384' }, leaf: { digest: 'sha384' } }, 3],
    ['with P-521 and SHA-512', { intermediate: { keyType: 'P-521' }, leaf: { digest: 'sha512' } }, 3],
    ['with RSA-2048 and SHA-256', { intermediate: { keyType: 'RSA-2048' }, leaf: { keyType: 'RSA-2048' } }, 3],
  ])('X-10 accepts an SVID %s and gives its path', (_, options, length) => {
    const verified = requireParsed(verify(issue(options)));
    expect([verified.spiffeId.text, verified.chain.length]).toEqual([id, length]);
  });

  it('gives the earliest end of validity on the path', () => {
    const chain = issue({ ttlSeconds: 7200, intermediate: { notAfter: secondsFrom(at, 600) } });
    expect(requireParsed(verify(chain)).earliestNotAfter).toEqual(secondsFrom(at, 600));
    expect(requireParsed(verify(issue({ ttlSeconds: 300 }))).earliestNotAfter).toEqual(secondsFrom(at, 300));
  });

  it('X-10 accepts an anchor that is not self-signed, and wants no certificate above it', () => {
    const { chain } = authority.issue({ path, intermediate: true });
    expect(requireParsed(verify(chain.slice(0, 1), at, bundleOf(chain[1] ?? new Uint8Array()))).chain.length).toBe(2);
  });

  it('ignores what is sent beyond the anchor, and what does not fit', () => {
    expect(verify([...issue({ sendsAnchor: true }), other.anchorDer]).ok).toBe(true);
    expect(verify([...issue(), other.anchorDer]).ok).toBe(true);
  });

  it('X-10 counts both ends of a validity as valid, and not a millisecond more', () => {
    const chain = issue({ notBefore: at, ttlSeconds: 60 });
    const verdicts = [-1, 0, 60_000, 60_001].map((ms) => verify(chain, new Date(at.getTime() + ms)));
    expect(verdicts.map(({ ok }) => ok)).toEqual([false, true, true, false]);
    expect(verdicts[0]).toMatchObject(refusedBy('not-yet-valid', 'X-10'));
    expect(verdicts[3]).toMatchObject(refusedBy('expired', 'X-10'));
  });

  it('X-10 refuses everything at an instant that is none', () => {
    expect(verify(issue(), new Date(Number.NaN))).toMatchObject(refusedBy('not-yet-valid', 'X-10'));
  });

  it.each<[string, string, string, Partial<IssueOptions>]>([
    ['a leaf with a broken signature', 'signature-invalid', 'X-10', { leaf: { signature: 'broken' } }],
    ['an intermediate with a broken signature', 'signature-invalid', 'X-10', { intermediate: { signature: 'broken' } }],
    ['a leaf signed by another key', 'signature-invalid', 'X-10', { leaf: { signWith: other.anchorKey } }],
    ['an issuer of another name', 'issuer-unknown', 'X-10', { leaf: { issuer: 'somebody' } }],
    [
      'an intermediate of another name than the issuer',
      'issuer-unknown',
      'X-10',
      { intermediate: true, leaf: { issuer: 'somebody', authorityKeyId: null } },
    ],
    ['a key identifier of another issuer', 'issuer-unknown', 'X-10', { leaf: { authorityKeyId: new Uint8Array(20) } }],
    ['an expired intermediate', 'expired', 'X-10', { intermediate: { notAfter: secondsFrom(at, -1) } }],
    ['an intermediate to come', 'not-yet-valid', 'X-10', { intermediate: { notBefore: secondsFrom(at, 1) } }],
    ['a leaf whose signature uses SHA-1', 'algorithm-unsupported', 'X-10', { leaf: { digest: 'sha1' } }],
    ['an RSA-1024 intermediate', 'key-unsupported', 'X-10', { intermediate: { keyType: 'RSA-1024' } }],
    ['an Ed25519 intermediate', 'algorithm-unsupported', 'X-10', { intermediate: { keyType: 'Ed25519' } }],
    [
      'an unknown critical extension in the leaf',
      'critical-extension-unknown',
      'X-10',
      { leaf: { unknownExtension: 'critical' } },
    ],
    [
      'an unknown critical extension in an intermediate',
      'critical-extension-unknown',
      'X-10',
      { intermediate: { unknownExtension: 'critical' } },
    ],
    [
      'an intermediate beyond the path length of another',
      'path-length-exceeded',
      'X-10',
      { intermediate: [{ pathLength: 0 }, {}] },
    ],
    ['three intermediates', 'issuer-unknown', 'X-10', { intermediate: [{}, {}, {}] }],
    ['an intermediate that is no CA', 'signer-not-allowed', 'X-05', { intermediate: { isCa: false } }],
    ['an intermediate without keyCertSign', 'signer-not-allowed', 'X-05', { intermediate: { keyUsage: ['cRLSign'] } }],
    [
      'an intermediate whose id has a path',
      'signer-not-allowed',
      'X-05',
      { intermediate: { uris: ['spiffe://example.org/ca'] } },
    ],
    [
      'a host that is not permitted',
      'name-constraint-violated',
      'X-12',
      { intermediate: { permittedHosts: ['example.net'] } },
    ],
    [
      'a host that is excluded',
      'name-constraint-violated',
      'X-12',
      { intermediate: { excludedHosts: ['example.org'] } },
    ],
  ])('refuses %s as %s by %s', (_, code, clause, options) => {
    expect(verify(issue(options))).toMatchObject(refusedBy(code, clause));
  });

  it.each<[string, string, string, Bend]>([
    ['has expired', 'expired', 'X-10', { notAfter: secondsFrom(at, -1) }],
    ['is no CA', 'signer-not-allowed', 'X-05', { isCa: false }],
    ['has no keyCertSign', 'signer-not-allowed', 'X-05', { keyUsage: ['digitalSignature'] }],
    ['allows no intermediate', 'path-length-exceeded', 'X-10', { pathLength: 0 }],
    ['has an unknown critical extension', 'critical-extension-unknown', 'X-10', { unknownExtension: 'critical' }],
    ['permits other hosts only', 'name-constraint-violated', 'X-12', { permittedHosts: ['example.net'] }],
  ])('refuses a chain whose anchor %s as %s by %s', (_, code, clause, anchor) => {
    const bent = createTestAuthority({ trustDomain: td, at, anchor });
    expect(verify(bent.issue({ path, intermediate: true }).chain, at, bent.bundles)).toMatchObject(
      refusedBy(code, clause),
    );
  });

  it.each<[string, Bend]>([
    ['has no SPIFFE ID', { uris: [] }],
    ['has an id with a slash at its end', { uris: ['spiffe://example.org/'] }],
    ['has the id of another trust domain', { uris: ['spiffe://example.net'] }],
    ['permits the host of the leaf', { permittedHosts: ['example.org'] }],
    ['allows one intermediate', { pathLength: 1 }],
  ])('accepts a chain whose anchor %s', (_, anchor) => {
    const bent = createTestAuthority({ trustDomain: td, at, anchor });
    expect(verify(bent.issue({ path, intermediate: true }).chain, at, bent.bundles).ok).toBe(true);
  });

  it.each<[string, string, Bend]>([
    ['X-01', 'two URIs', { uris: [id, `${id}2`] }],
    ['X-01', 'no URI', { uris: [] }],
    ['X-03', 'no path', { uris: ['spiffe://example.org'] }],
    ['X-06', 'cA', { isCa: true }],
    ['X-06', 'keyCertSign', { keyUsage: ['digitalSignature', 'keyCertSign'] }],
    ['X-06', 'cRLSign', { keyUsage: ['digitalSignature', 'cRLSign'] }],
    ['X-06', 'no digitalSignature', { keyUsage: ['keyAgreement'] }],
    ['ID-01', 'the scheme sparfe', { uris: ['sparfe://example.org/a'] }],
  ])('X-11 refuses a leaf by %s that has %s, though its path is good', (clause, _, leaf) => {
    expect(verify(issue({ leaf }))).toMatchObject({ ok: false, problem: { clause } });
  });

  it.each(['RSA-1024', 'Ed25519'] as const)(
    'refuses a leaf with a key of type %s, though its path is good',
    (keyType) => {
      expect(verify(issue({ leaf: { keyType } }))).toMatchObject({ ok: false, problem: { code: 'key-unsupported' } });
    },
  );

  it('X-09 refuses a signing certificate that poses as a workload, and an anchor that does', () => {
    const signer: Bend = { isCa: true, keyUsage: ['digitalSignature', 'keyCertSign'] };
    expect(verify(issue({ leaf: signer }))).toMatchObject(refusedBy('leaf-not-an-svid', 'X-06'));
    expect(verify([authority.anchorDer])).toMatchObject(refusedBy('leaf-not-an-svid', 'X-06'));
  });

  it('X-09 refuses a leaf that stands in the bundle itself', () => {
    const [leaf = new Uint8Array()] = issue();
    expect(verify([leaf], at, bundleOf(leaf))).toMatchObject(refusedBy('issuer-unknown', 'X-10'));
  });
});

describe('an intermediate of the same name as its issuer', () => {
  const accepts = (anchor: Bend, intermediates: readonly Bend[]): boolean => {
    const bent = createTestAuthority({ trustDomain: td, at, anchor: { subject: 'same', ...anchor } });
    return verify(bent.issue({ path, intermediate: intermediates }).chain, at, bent.bundles).ok;
  };

  it('X-10 does not count against a path length, as a key that is rolled over', () => {
    expect(accepts({ pathLength: 0 }, [{ subject: 'same' }])).toBe(true);
    expect(accepts({ pathLength: 0 }, [{ subject: 'same' }, {}])).toBe(false);
  });

  it('X-12 is not held to name constraints itself, but the leaf is', () => {
    const foreign = { uris: ['https://example.net'] };
    expect(accepts({ permittedHosts: ['example.org'] }, [{ subject: 'same', ...foreign }])).toBe(true);
    expect(accepts({ permittedHosts: ['example.org'] }, [foreign])).toBe(false);
    expect(accepts({ permittedHosts: ['example.net'] }, [{ subject: 'same' }])).toBe(false);
  });

  it('X-10 signs nothing when its name is empty', () => {
    expect(accepts({ subject: '' }, [])).toBe(false);
  });
});

describe('the bundle of the SVID’s own trust domain', () => {
  const both = new Map([...authority.bundles, ...other.bundles]);

  it('B-07 is the only one asked: a foreign anchor proves nothing here', () => {
    const forged = other.issue({ path, leaf: { uris: [id] } }).chain;
    expect(verify(forged, at, both)).toMatchObject(refusedBy('issuer-unknown', 'X-10'));
    expect(verify(other.issue({ path }).chain, at, both).ok).toBe(true);
  });

  it('B-07 must be known, and be what it is filed under', () => {
    expect(verify(other.issue({ path }).chain)).toMatchObject(refusedBy('bundle-unknown', 'B-07'));
    expect(verify(issue(), at, new Map([[td, other.bundle]]))).toMatchObject(refusedBy('bundle-mismatch', 'B-07'));
  });

  it('B-04 makes every SVID invalid when it is empty', () => {
    expect(verify(issue(), at, bundleOf())).toMatchObject(refusedBy('bundle-empty', 'B-04'));
  });

  it('X-10 may hold an expired anchor beside its successor of the same name and key, in any order', () => {
    const anchor = {
      subject: 'anchor',
      isCa: true,
      keyUsage: ['keyCertSign'],
      notBefore: secondsFrom(at, -7200),
    } as const;
    const expired = buildCertificate({ ...anchor, notAfter: secondsFrom(at, -3600) }, undefined);
    const successor = buildCertificate({ ...anchor, notAfter: secondsFrom(at, 3600), key: expired.key }, undefined);
    const leaf = buildCertificate({ notBefore: at, notAfter: secondsFrom(at, 60), uris: [id] }, expired);
    expect(verify([leaf.der], at, bundleOf(expired.der))).toMatchObject(refusedBy('expired', 'X-10'));
    expect(verify([leaf.der], at, bundleOf(expired.der, successor.der)).ok).toBe(true);
    expect(verify([leaf.der], at, bundleOf(successor.der, expired.der)).ok).toBe(true);
  });
});

describe('the cost of a hostile chain', () => {
  /** Anchors of one name without key identifiers: each could be the issuer. */
  const anchorOfCrowd = {
    subject: 'crowd',
    isCa: true,
    keyUsage: ['keyCertSign'],
    notBefore: at,
    notAfter: secondsFrom(at, 600),
    subjectKeyId: null,
  } as const;
  const crowd = Array.from(
    { length: 40 },
    () => buildCertificate({ ...anchorOfCrowd, keyType: 'P-521' }, undefined).der,
  );

  const strange = { trustDomain: td, at, anchor: { subject: 'crowd', keyType: 'P-521' } } as const;

  it('is bounded in signatures, however many anchors fit', () => {
    const { chain } = createTestAuthority(strange).issue({ path, leaf: { authorityKeyId: null } });
    const [leaf = new Uint8Array()] = chain;
    const [genuine, ...others] = [buildCertificate({ ...anchorOfCrowd, keyType: 'P-521' }, undefined), ...crowd];
    const ours = buildCertificate(
      { notBefore: at, notAfter: secondsFrom(at, 60), uris: [id], authorityKeyId: null },
      genuine,
    );
    expect(verify([leaf], at, bundleOf(...crowd))).toMatchObject(refusedBy('signature-invalid', 'X-10'));
    expect(verify([ours.der], at, bundleOf(...others.slice(0, 2), genuine.der)).ok).toBe(true);
    expect(verify([ours.der], at, bundleOf(...others.slice(0, 3), genuine.der)).ok).toBe(false);
  });

  it.each<[string, Partial<IssueOptions>, readonly Uint8Array[]]>([
    ['that nobody signed', { intermediate: [{ keyType: 'P-521' }, { keyType: 'P-521' }] }, crowd],
    ['of a leaf alone', {}, crowd],
    [
      'with the largest keys that may be, and valid',
      { intermediate: [{ keyType: 'P-521' }, { keyType: 'P-521' }] },
      [],
    ],
  ])('stays under 5 ms for a chain %s', (_, options, anchors) => {
    const stranger = createTestAuthority(strange);
    const { chain } = stranger.issue({ path, ...options });
    const bundles = anchors.length === 0 ? stranger.bundles : bundleOf(...anchors);
    expect(verify(chain, at, bundles).ok).toBe(anchors.length === 0);
    const times = Array.from({ length: 25 }, () => {
      const begin = performance.now();
      verify(chain, at, bundles);
      return performance.now() - begin;
    });
    // The best of them: what it costs, and not what a neighbour on the machine costs.
    expect(Math.min(...times)).toBeLessThan(5);
  });
});
