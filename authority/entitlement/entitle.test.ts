import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requireParsed } from '../../runtime/parsed.ts';
import { requireSpiffeId } from '../../spiffe/spiffe-id.ts';
import { requireTrustDomain } from '../../spiffe/trust-domain.ts';
import { entitle } from './entitle.ts';
import { uuidV5 } from './entry-id.ts';
import { fillTemplate, parseIdTemplate, readByTemplate } from './id-template.ts';
import { grantedTtlSeconds } from './lifetime.ts';

const trustDomain = requireTrustDomain('prod.example');
const template = requireParsed(parseIdTemplate('/ns/{namespace}/sa/{serviceAccount}'));
const rules = { trustDomain, cluster: 'c1', template, ttlLimitSeconds: 3600 };

describe('entitlement', () => {
  it('gives one workload one id, one entry, the same in every replica', () => {
    const one = entitle({ namespace: 'prod', serviceAccount: 'web' }, undefined, rules);
    const again = entitle({ namespace: 'prod', serviceAccount: 'web' }, undefined, { ...rules });
    expect(one).toEqual(again);
    expect(one.ok && one.value.entryRevision).toMatch(/^[0-9a-f]{16}$/);
    expect(one).toMatchObject({
      value: {
        spiffeId: { text: 'spiffe://prod.example/ns/prod/sa/web' },
        ttlSeconds: 3600,
      },
    });
  });

  it('names entries apart by cluster and workload, and revisions by rules', () => {
    const of = (cluster: string, serviceAccount: string, ttlLimitSeconds = 3600) => {
      const outcome = entitle({ namespace: 'prod', serviceAccount }, undefined, { ...rules, cluster, ttlLimitSeconds });
      return outcome.ok ? outcome.value : undefined;
    };
    const ids = [of('c1', 'web'), of('c2', 'web'), of('c1', 'api')].map((entry) => entry?.entryId);
    expect(new Set(ids).size).toBe(3);
    expect(of('c1', 'web')?.entryRevision).not.toBe(of('c1', 'web', 60)?.entryRevision);
    expect(of('c1', 'web')?.entryId).toBe(of('c1', 'web', 60)?.entryId);
  });

  it('refuses names that our own parser would not read back', () => {
    for (const serviceAccount of ['', '..', 'a/b', 'a b', 'é']) {
      expect(entitle({ namespace: 'prod', serviceAccount }, undefined, rules)).toMatchObject({
        ok: false,
        refusal: { reason: 'not-entitled' },
      });
    }
  });

  it('makes the UUIDv5 of RFC 9562’s example', () => {
    expect(uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe(
      '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    );
  });
});

describe('id templates', () => {
  it.each([
    'ns/{namespace}/{serviceAccount}',
    '/ns/{namespace}',
    '/{namespace}/{namespace}/{serviceAccount}',
    '/x-{namespace}/{serviceAccount}',
    '/{namespace}//{serviceAccount}',
    '/{namespace}/{serviceAccount}/{pod}',
  ])('refuse %s', (text) => {
    expect(parseIdTemplate(text).ok).toBe(false);
  });

  it('are read backwards to the same workload, and to none for ids of another shape', () => {
    const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
    fc.assert(
      fc.property(name, name, (namespace, serviceAccount) => {
        const id = requireParsed(fillTemplate(template, trustDomain, { namespace, serviceAccount }));
        expect(readByTemplate(template, id)).toEqual({ namespace, serviceAccount });
      }),
    );
    expect(readByTemplate(template, requireSpiffeId('spiffe://prod.example/ns/a/sb/b'))).toBeUndefined();
    expect(readByTemplate(template, requireSpiffeId('spiffe://prod.example/ns/a/sa/b/c'))).toBeUndefined();
  });
});

describe('a life', () => {
  it.each([
    [undefined, 3600, 3600],
    [60, 3600, 60],
    [7200, 3600, 3600],
    [1, 3600, 10],
  ])('asked as %s within %s is %s', (requested, limit, granted) => {
    expect(grantedTtlSeconds(requested, limit)).toBe(granted);
  });
});
