import { generateKeyPairSync, X509Certificate as NodeCertificate } from 'node:crypto';
import 'reflect-metadata';
import { X509Certificate as PeculiarCertificate, Pkcs10CertificateRequest } from '@peculiar/x509';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requireParsed } from '../../runtime/parsed.ts';
import { parseCertificate } from '../../spiffe/certificate.ts';
import { requireSpiffeId } from '../../spiffe/spiffe-id.ts';
import { x509Bundle } from '../../spiffe/trust-bundle.ts';
import { requireTrustDomain } from '../../spiffe/trust-domain.ts';
import { verifyX509Svid } from '../../spiffe/x509-path.ts';
import { certificationRequest } from '../../test/builders/certification-request.ts';
import { namesPod } from '../attestation/current-svid.ts';
import { createAnchor } from '../keys/anchor.ts';
import { birthOfFirst } from '../keys/key-schedule.ts';
import { keyTimes } from '../keys/key-times.ts';
import { proveKey } from './csr.ts';
import { makeSvid, type SvidMaking } from './make-svid.ts';
import { leafProfile } from './profile.ts';

const now = new Date('2026-01-01T00:00:00.750Z');
const trustDomain = requireTrustDomain('prod.example');
const spiffeId = requireSpiffeId('spiffe://prod.example/ns/prod/sa/web');
const times = keyTimes(86_400_000);
const bytes = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));
const signing = createAnchor({ birth: birthOfFirst('x509', now, 'none', times), trustDomain, times, random: bytes });
const anchor = requireParsed(parseCertificate(signing.entry.public));
const throwawayKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

function making(tweak: Partial<SvidMaking> = {}): SvidMaking {
  return {
    order: { spiffeId, spki: certificationRequest().spki, podUid: 'pod-uid', ttlSeconds: 86_400 },
    signer: { id: signing.entry.id, anchor, privateKey: signing.privateKey },
    throwawayKey,
    bundle: x509Bundle(trustDomain, [anchor]),
    now,
    random: bytes,
    ...tweak,
  };
}

function madeDer(tweak: Partial<SvidMaking> = {}): Uint8Array {
  const made = makeSvid(making(tweak));
  if (!made.ok) {
    throw new TypeError(`${made.refusal.reason}: ${made.refusal.detail ?? ''}`);
  }
  return made.value.der;
}

describe('an anchor', () => {
  it('X-05 signs, has the domain’s own id, and is what two other readers take it for', () => {
    expect(anchor.basicConstraints).toEqual({ isCritical: true, isCa: true, pathLength: 0 });
    expect([...(anchor.keyUsage?.usages ?? [])]).toEqual(['keyCertSign', 'cRLSign']);
    expect(anchor.uris).toEqual(['spiffe://prod.example']);
    expect(Buffer.from(anchor.subjectKeyId ?? []).toString('hex')).toBe(signing.entry.id);
    const node = new NodeCertificate(signing.entry.public);
    expect(node.ca && node.verify(node.publicKey)).toBe(true);
    expect(node.subject).toBe(`CN=authority-${signing.entry.id}`);
  });
});

describe('a leaf', () => {
  it('X-01, X-03, X-04, X-06, X-07, X-08 is an X.509-SVID to our reader, to Node and to another library', async () => {
    const der = madeDer();
    const leaf = requireParsed(parseCertificate(der));
    expect(leaf.uris).toEqual([spiffeId.text]);
    expect(leaf).toMatchObject({
      sanCritical: true,
      subjectIsEmpty: true,
      basicConstraints: { isCa: false, isCritical: true },
    });
    const node = new NodeCertificate(der);
    expect(node.checkIssued(new NodeCertificate(signing.entry.public))).toBe(true);
    const other = new PeculiarCertificate(Buffer.from(der));
    expect(
      await other.verify({ publicKey: new PeculiarCertificate(Buffer.from(signing.entry.public)), date: now }),
    ).toBe(true);
    expect(verifyX509Svid([der], new Map([[trustDomain, x509Bundle(trustDomain, [anchor])]]), now).ok).toBe(true);
  });

  it('names its pod by its serial and no other pod', () => {
    const { serial } = requireParsed(parseCertificate(madeDer()));
    expect(namesPod(serial, 'pod-uid')).toBe(true);
    expect(namesPod(serial, 'another')).toBe(false);
  });

  it('lives less than 24 h, no longer than granted, and never outlives its signer', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 86_400 }),
        fc.integer({ min: 0, max: 100 * 3_600_000 }),
        (ttlSeconds, laterMs) => {
          const at = new Date(now.getTime() + laterMs);
          const { notBefore, notAfter } = leafProfile({ ...making().order, ttlSeconds }, anchor, at, bytes);
          expect(notAfter.getTime() - notBefore.getTime()).toBeLessThan(86_400_000);
          expect(notAfter.getTime()).toBeLessThanOrEqual(
            Math.min(at.getTime() + ttlSeconds * 1000 - 1000, anchor.notAfter.getTime()),
          );
          expect(notBefore.getTime()).toBeLessThanOrEqual(at.getTime() - Math.min(120_000, ttlSeconds * 100));
          expect(notBefore.getMilliseconds() + notAfter.getMilliseconds()).toBe(0);
        },
      ),
    );
  });

  it('is not signed when a lint finds something: the signer is over', () => {
    const late = new Date(anchor.notAfter.getTime() + 1000);
    expect(makeSvid(making({ now: late }))).toMatchObject({ ok: false, refusal: { reason: 'lint' } });
  });

  it('is not given out when it does not verify by the published bundle', () => {
    const stranger = createAnchor({
      birth: birthOfFirst('x509', now, 'none', times),
      trustDomain,
      times,
      random: bytes,
    });
    const bundle = x509Bundle(trustDomain, [requireParsed(parseCertificate(stranger.entry.public))]);
    expect(makeSvid(making({ bundle }))).toMatchObject({
      ok: false,
      refusal: { reason: 'lint', detail: 'read-back: it does not verify: issuer-unknown' },
    });
  });

  it('is not made for another trust domain', () => {
    const order = { ...making().order, spiffeId: requireSpiffeId('spiffe://other.example/ns/a/sa/b') };
    expect(makeSvid(making({ order }))).toMatchObject({
      ok: false,
      refusal: { detail: 'own-domain: of another trust domain' },
    });
  });
});

describe('a certification request', () => {
  it('is read as another library reads it', () => {
    const { csr, spki } = certificationRequest();
    const oracle = new Pkcs10CertificateRequest(Buffer.from(csr));
    const proven = proveKey(csr);
    expect(proven.ok && Buffer.compare(proven.value.spki, Buffer.from(oracle.publicKey.rawData))).toBe(0);
    expect(proven.ok && Buffer.compare(proven.value.spki, spki)).toBe(0);
  });

  it('gives a reason and never throws, whatever byte is changed or cut off', () => {
    const { csr } = certificationRequest();
    fc.assert(
      fc.property(fc.nat(csr.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (index, flip, isCut) => {
        const broken = isCut ? csr.slice(0, index) : csr.map((byte, place) => (place === index ? byte ^ flip : byte));
        expect(proveKey(broken).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
