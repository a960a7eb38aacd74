import { describe, expect, it } from 'vitest';
import { requireParsed } from '../../../runtime/parsed.ts';
import { parseCertificate } from '../../../spiffe/certificate.ts';
import { requireSpiffeId } from '../../../spiffe/spiffe-id.ts';
import { requireTrustDomain } from '../../../spiffe/trust-domain.ts';
import { certificationRequest } from '../../../test/builders/certification-request.ts';
import { createAnchor } from '../../keys/anchor.ts';
import { birthOfFirst } from '../../keys/key-schedule.ts';
import { keyTimes } from '../../keys/key-times.ts';
import { buildLeaf } from '../leaf-template.ts';
import type { LintCase, LintSubject } from '../lint.ts';
import { leafProfile } from '../profile.ts';
import { signCertificate } from '../tbs.ts';
import { allLints } from './all-lints.ts';
import { extensionsCases } from './extensions.cases.ts';
import { keyIdentifiersCases } from './key-identifiers.cases.ts';
import { keyStrengthCases } from './key-strength.cases.ts';
import { lifetimeCases } from './lifetime.cases.ts';
import { ownDomainCases } from './own-domain.cases.ts';
import { serialNumberCases } from './serial-number.cases.ts';
import { svidFormCases } from './svid-form.cases.ts';

const tables: Readonly<Record<string, readonly LintCase[]>> = {
  'svid-form': svidFormCases,
  lifetime: lifetimeCases,
  'serial-number': serialNumberCases,
  extensions: extensionsCases,
  'own-domain': ownDomainCases,
  'key-strength': keyStrengthCases,
  'key-identifiers': keyIdentifiersCases,
};

const now = new Date('2026-01-01T00:00:00Z');
const trustDomain = requireTrustDomain('lint.example');
const random = (size: number): Uint8Array => new Uint8Array(size).fill(9);

/** A leaf of an hour as the pipeline makes it, which no lint minds. */
function goodLeaf(): LintSubject {
  const times = keyTimes(86_400_000);
  const { entry, privateKey } = createAnchor({
    birth: birthOfFirst('x509', now, 'none', times),
    trustDomain,
    times,
    random,
  });
  const anchor = requireParsed(parseCertificate(entry.public));
  const order = {
    spiffeId: requireSpiffeId('spiffe://lint.example/ns/a/sa/b'),
    spki: certificationRequest().spki,
    podUid: 'uid',
    ttlSeconds: 3600,
  };
  const der = signCertificate(buildLeaf(leafProfile(order, anchor, now, random)), privateKey);
  return { certificate: requireParsed(parseCertificate(der)), anchor, trustDomain, now, ttlSeconds: 3600 };
}

describe('lints', () => {
  it('all have a table, and no table is extra', () => {
    expect(Object.keys(tables).toSorted()).toEqual(allLints.map(({ id }) => id).toSorted());
    expect(new Set(allLints.map(({ id }) => id)).size).toBe(allLints.length);
  });

  it.each(allLints)('$id: passes what the pipeline makes', ({ check }) => {
    expect(check(goodLeaf())).toEqual([]);
  });

  const cases = allLints.flatMap((lint) => (tables[lint.id] ?? []).map((row) => ({ ...row, lint, id: lint.id })));
  it.each(cases)('$id: finds $name', ({ lint, tweak, findings }) => {
    expect(lint.check(tweak(goodLeaf()))).toEqual(findings);
  });
});
