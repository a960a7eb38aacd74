import jsonPatch from 'fast-json-patch';
import { systemClock } from '../../runtime/clock.ts';
import type { AdmissionPorts } from '../../webhook/admission/ports.ts';
import type { JsonObject } from '../../webhook/admission/request.ts';
import { listAt, textAt } from '../../webhook/policy/json-access.ts';
import { decodeReview, gatherFacts, type ReviewSettings, review } from '../../webhook/review.ts';
import type { AdmissionLoad } from './admission-load-messages.ts';
import { benchDeployer, benchNamespace, ordinaryPod, refusedPod } from './admission-pod.ts';

type Review = AdmissionLoad['reviews'][number];

/**
 * What is sent in turn, and what must come back: the mutating call of an ordinary pod, the validating call of the pod so injected, the validating call of a pod with a
 * password in it. The patch expected is the one that `review` makes here, and that it injects is looked at.
 */
export async function admissionReviews(ports: AdmissionPorts, settings: ReviewSettings): Promise<Review[]> {
  const request = reviewOf('11111111-0000-4000-8000-000000000001', ordinaryPod);
  const patch = await patchOf(request, ports, settings);
  return [
    { ...sent('/mutate', request), allowed: true, patch, says: [] },
    {
      ...sent('/validate', reviewOf('11111111-0000-4000-8000-000000000002', patched(ordinaryPod, patch))),
      allowed: true,
      says: [],
    },
    {
      ...sent('/validate', reviewOf('11111111-0000-4000-8000-000000000003', patched(refusedPod, patch))),
      allowed: false,
      says: ['[credential-in-env]', 'DATABASE_PASSWORD'],
    },
  ];
}

interface ReviewOfPod {
  readonly uid: string;
  readonly value: JsonObject;
}

/** As the API server sends it. */
function reviewOf(uid: string, pod: JsonObject): ReviewOfPod {
  const request: JsonObject = {
    uid,
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    requestKind: { group: '', version: 'v1', kind: 'Pod' },
    requestResource: { group: '', version: 'v1', resource: 'pods' },
    name: textAt(pod, 'metadata', 'name') ?? '',
    namespace: benchNamespace,
    operation: 'CREATE',
    userInfo: { username: benchDeployer.username, groups: [...benchDeployer.groups] },
    object: pod,
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'helm' },
  };
  return { uid, value: { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request } };
}

const sent = (path: string, { uid, value }: ReviewOfPod): Pick<Review, 'path' | 'body' | 'uid'> => ({
  path: `${path}?timeout=10s`,
  body: JSON.stringify(value),
  uid,
});

async function patchOf({ value }: ReviewOfPod, ports: AdmissionPorts, settings: ReviewSettings): Promise<string> {
  const request = decodeReview(value);
  if (!request.ok) {
    throw new Error(`the bench's own review: ${request.problem.message}`);
  }
  const facts = await gatherFacts(request.value, ports, settings.policy, systemClock.now());
  const { response } = review(request.value, facts, { half: 'mutate', settings, decisionId: '0000000000' });
  if (response.patch === undefined) {
    throw new Error('the pod of the bench is not injected');
  }
  return response.patch;
}

/** The pod with the patch applied; throws unless that gave it the sidecar. */
function patched(pod: JsonObject, patch: string): JsonObject {
  const operations = operationsOf(JSON.parse(Buffer.from(patch, 'base64').toString()));
  const { newDocument } = jsonPatch.applyPatch(pod, operations, true, false);
  if (textAt(listAt(newDocument, 'spec', 'initContainers')[0], 'name') !== 'sallyport-sidecar') {
    throw new Error('the patch of the bench brings no sidecar');
  }
  return newDocument;
}

function operationsOf(value: unknown): jsonPatch.Operation[] {
  if (!isOperations(value)) {
    throw new Error('the patch of the bench is no list');
  }
  return value;
}

/** What is in the list, `applyPatch` validates. */
const isOperations = (value: unknown): value is jsonPatch.Operation[] => Array.isArray(value);
