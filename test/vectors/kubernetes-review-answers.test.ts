import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AdmissionRequest } from '../../webhook/review.ts';
import { decodeAdmissionReview } from '../../webhook/server/admission-review.ts';
import { verifiedReview } from '../builders/verified-review.ts';
import { outsideData } from './outside-data.ts';

/*
 * Reviews as a real API server sent them, through our codec and judgement.
 */

const recorded = outsideData('kubernetes');
const exchange = z.object({ headers: z.record(z.string(), z.string()), body: z.unknown() });

function requestIn(name: string): AdmissionRequest {
  const { body } = exchange.parse(JSON.parse(recorded.read(`${name}.json`)));
  const decoded = decodeAdmissionReview(Buffer.from(JSON.stringify(body)));
  if (!decoded.ok) {
    throw new TypeError(`${name}: ${decoded.problem.code}`);
  }
  return decoded.value;
}

describe.skipIf(recorded.isAbsent)('a review that a real API server sent', () => {
  test('of a pod is decoded, injected and admitted, the second time without a patch', async () => {
    const request = requestIn('review-Pod-CREATE-alice');
    expect(request).toMatchObject({
      resource: 'pods',
      operation: 'CREATE',
      requester: { username: 'alice', groups: ['team-a', 'system:authenticated'] },
    });
    const first = await verifiedReview(request, 'both', []);
    expect(first.injection.kind).toBe('injected');
    expect(first.findings.map(({ rule }) => rule)).toEqual([]);
    expect((await verifiedReview({ ...request, object: first.object }, 'mutate', [])).injection.kind).toBe('unchanged');
  });

  test('of a Secret names an impersonator’s victim, and is judged by its content', async () => {
    const request = requestIn('review-Secret-CREATE-carol');
    expect(request.requester.username).toBe('carol');
    const { response } = await verifiedReview(request, 'both', []);
    expect(typeof response.allowed).toBe('boolean');
  });

  test('of a ClusterRoleBinding is refused for want of a second person', async () => {
    const { findings, response } = await verifiedReview(
      requestIn('review-ClusterRoleBinding-CREATE-alice'),
      'both',
      [],
    );
    expect(response.allowed).toBe(false);
    expect(findings.map(({ rule }) => rule)).toEqual(['cluster-role-binding-justification']);
  });

  test('of a TokenRequest is AR-24 a CREATE of the account’s subresource, which no rule of today names', async () => {
    const request = requestIn('review-TokenRequest-CREATE-admin');
    expect(request).toMatchObject({
      resource: 'serviceaccounts',
      subResource: 'token',
      kind: { kind: 'TokenRequest' },
    });
    expect((await verifiedReview(request, 'both', [])).response.allowed).toBe(true);
  });
});
