/*
 * Hostile input for the review codec and everything behind it: AdmissionReviews, mutated byte by byte. Nothing may throw. What is let in must be JSON with an
 * envelope (judged by `JSON.parse` and a schema of another hand), and every answer must be one that the API server takes.
 */
import { strict as assert } from 'node:assert';
import { z } from 'zod';
import {
  alice,
  creates,
  minimalClusterRoleBinding,
  minimalContainer,
  minimalExemption,
  minimalPod,
  minimalSecret,
  now,
  tweaked,
  updates,
} from '../../test/builders/judgement.ts';
import { parseJson } from '../../test/fakes/api-server/json.ts';
import { verifyAdmissionResponse } from '../../test/fakes/api-server/verify-admission-response.ts';
import { buildRbacGraph } from '../../webhook/ceiling/rbac-graph.ts';
import { type AdmissionRequest, type Facts, review, reviewSettings } from '../../webhook/review.ts';
import { decodeAdmissionReview } from '../../webhook/server/admission-review.ts';
import { encodeAdmissionReview } from '../../webhook/server/decision-response.ts';
import { mutateBytes, repeatFor } from './mutator.ts';

/** What no answer may repeat. */
const canary = 'correct-horse-9';

const envelope = z.object({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.object({
    uid: z.string().min(1),
    operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
    kind: z.object({ kind: z.string(), version: z.string() }),
    userInfo: z.object({ groups: z.array(z.string()).nullish() }),
  }),
});

const leakyPod = tweaked(minimalPod, {
  metadata: { annotations: { 'sallyport.dev/inbound': '8443=8080' } },
  spec: {
    containers: [
      { ...minimalContainer, ports: [{ containerPort: 8080 }], env: [{ name: 'DB_PASSWORD', value: canary }] },
    ],
  },
});

const seeds: readonly [string, ...string[]] = [
  seedOf(creates(leakyPod)),
  seedOf(creates(tweaked(minimalSecret, { stringData: { password: canary } }))),
  seedOf(updates(minimalPod, leakyPod)),
  seedOf(creates(minimalClusterRoleBinding)),
  seedOf(creates(minimalExemption)),
  seedOf(
    updates(
      minimalExemption,
      tweaked(minimalExemption, { status: { approval: { decision: 'approved', generation: 1 } } }),
      { subResource: 'status' },
    ),
  ),
];
const telling = [...Buffer.from('{}[]",:\\u0019-.eE/+= \nntfls~')] as const;

/** Reviews: `budgetMs` of mutations chosen by `seed`. Gives how many were tried; throws on a crash, a false acceptance, a bad answer or a value repeated. */
export function fuzzReview(seed: number, budgetMs: number): number {
  const settings = reviewSettings({});
  const [first = 0, ...rest] = telling;
  return repeatFor(budgetMs, seed, (choose) => {
    const bytes = mutateBytes(choose, Buffer.from(choose.pick(seeds)), [first, ...rest]);
    const decoded = decodeAdmissionReview(bytes);
    if (!decoded.ok) {
      return;
    }
    const text = bytes.toString('utf8');
    assert.ok(envelope.safeParse(JSON.parse(text)).success, text);
    for (const half of ['mutate', 'validate', 'both'] as const) {
      const { response } = review(decoded.value, factsOf(decoded.value, settings.policy), {
        half,
        settings,
        decisionId: '0123456789',
      });
      const answer = encodeAdmissionReview(response);
      const verified = verifyAdmissionResponse(
        decoded.value.uid,
        half === 'validate' ? 'validating' : 'mutating',
        parseJson(answer),
      );
      assert.ok(verified.ok, verified.ok ? '' : verified.problem.message);
      assert.ok(!answer.includes(canary), 'an answer repeats a value');
    }
  });
}

function factsOf({ namespace }: AdmissionRequest, settings: Facts['settings']): Facts {
  const labels = { 'sallyport.dev/identity': 'enabled' };
  return {
    now,
    settings,
    namespace: namespace === '' ? undefined : { name: namespace, labels, annotations: {}, known: true },
    rbac: buildRbacGraph({ roles: [], roleBindings: [], clusterRoles: [], clusterRoleBindings: [] }),
    exemptions: [],
    secretTypes: new Map(),
    referableNames: new Set(),
    liveOwner: undefined,
    ownerChain: [],
  };
}

/** The review that the API server would send for a request. */
function seedOf({ requester, resource, ...request }: AdmissionRequest): string {
  const userInfo = { ...alice, ...requester };
  const { group, version } = request.kind;
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { ...request, resource: { group, version, resource }, userInfo },
  });
}
