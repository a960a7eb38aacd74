import { requireParsed } from '../../runtime/parsed.ts';
import {
  type AdmissionRequest,
  type Facts,
  gatherFacts,
  isJsonObject,
  type JsonObject,
  memoryCluster,
  type Reviewed,
  type ReviewSettings,
  review,
  reviewSettings,
} from '../../webhook/review.ts';
import { isObject, parseJson } from '../fakes/api-server/json.ts';
import { isAuditAnnotationKey, verifyAdmissionResponse } from '../fakes/api-server/verify-admission-response.ts';
import { applyJsonPatch } from '../fakes/api-server/write/patches.ts';
import { now } from './judgement.ts';

/** Settings of a new installation. */
export const settings: ReviewSettings = reviewSettings({ SALLYPORT_TRUST_DOMAIN: 'prod.example' });

/** The opted-in namespace of `judgement.ts`. */
export const payments: JsonObject = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'payments', labels: { 'sallyport.dev/identity': 'enabled' } },
};

/** Facts about a request in a cluster of these objects. */
export function factsOf(request: AdmissionRequest, objects: readonly JsonObject[] = [payments]): Promise<Facts> {
  return gatherFacts(request, memoryCluster(objects), settings.policy, now);
}

/**
 * `review`, with its answer held to what the API server asks of it: the shape, the keys of annotations, and a patch that turns the object as received into the one
 * that is said to be stored.
 */
export async function verifiedReview(
  request: AdmissionRequest,
  half: 'mutate' | 'validate' | 'both',
  objects: readonly JsonObject[] = [payments],
): Promise<Reviewed> {
  const reviewed = review(request, await factsOf(request, objects), { half, settings, decisionId: '0123456789' });
  const sent: unknown = JSON.parse(
    JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: reviewed.response }),
  );
  if (!isJsonObject(sent)) {
    throw new TypeError('an answer is an object');
  }
  const kind = half === 'validate' ? 'validating' : 'mutating';
  const { patch, auditAnnotations } = requireParsed(verifyAdmissionResponse(request.uid, kind, sent));
  const badKey = [...auditAnnotations.keys()].find((key) => !isAuditAnnotationKey(key));
  if (badKey !== undefined) {
    throw new TypeError(`the API server would drop the audit annotation ${badKey}`);
  }
  if (patch !== '' && reviewed.object !== null) {
    assertApplies(request.object, patch, reviewed.object);
  }
  return reviewed;
}

/** The JSON Patch of an answer. */
export function patchIn({ response }: Reviewed): readonly { readonly op: string; readonly path: string }[] {
  const operations: unknown = JSON.parse(Buffer.from(response.patch ?? 'W10=', 'base64').toString());
  return Array.isArray(operations) ? operations.map(operationOf) : [];
}

function operationOf(operation: unknown): { readonly op: string; readonly path: string } {
  const { op, path } = isJsonObject(operation) ? operation : {};
  return { op: typeof op === 'string' ? op : '', path: typeof path === 'string' ? path : '' };
}

/** As the API server does it: from text to text, no part of the document shared with another. */
function assertApplies(received: JsonObject | null, patch: string, stored: JsonObject): void {
  const document = parseJson(JSON.stringify(received));
  const changed = isObject(document) ? applyJsonPatch(document, parseJson(patch)) : undefined;
  if (JSON.stringify(sorted(changed)) !== JSON.stringify(sorted(stored))) {
    throw new TypeError('the patch does not give the object that is said to be stored');
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  return isJsonObject(value)
    ? Object.entries(value)
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([key, member]) => [key, sorted(member)])
    : value;
}
