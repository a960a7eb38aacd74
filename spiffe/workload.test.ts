import { describe, expect, it } from 'vitest';
import { requireSpiffeId } from './spiffe-id.ts';
import { requireTrustDomain } from './trust-domain.ts';
import { parseWorkloadId, workloadId } from './workload.ts';

const td = requireTrustDomain('example.org');

describe('workloadId', () => {
  it('names a service account, and reads back', () => {
    const id = workloadId(td, 'prod', 'web.v2');
    expect(id).toMatchObject({ ok: true, value: { text: 'spiffe://example.org/ns/prod/sa/web.v2' } });
    expect(id.ok && parseWorkloadId(id.value)).toEqual({ namespace: 'prod', serviceAccount: 'web.v2' });
  });

  it.each([
    ['prod/sa/admin', 'web'],
    ['prod', 'web/sa/admin'],
    ['', 'web'],
    ['..', 'web'],
    ['prod', 'system:web'],
  ])('refuses the names %j and %j, which would break out of their segments', (namespace, serviceAccount) => {
    expect(workloadId(td, namespace, serviceAccount).ok).toBe(false);
  });
});

describe('parseWorkloadId', () => {
  it.each([
    'spiffe://example.org',
    'spiffe://example.org/ns/prod',
    'spiffe://example.org/ns/prod/sa',
    'spiffe://example.org/ns/prod/sa/web/x',
    'spiffe://example.org/sa/web/ns/prod',
    'spiffe://example.org/NS/prod/sa/web',
  ])('reads no workload out of %s', (text) => {
    expect(parseWorkloadId(requireSpiffeId(text))).toBeUndefined();
  });
});
