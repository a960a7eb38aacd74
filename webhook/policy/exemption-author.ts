import type { AdmissionRequest, Json, JsonObject, Requester } from '../admission/request.ts';
import { isSameJson, memberAt, objectAt, textAt } from './json-access.ts';
import { kindKey } from './pod-template.ts';

const freshMs = 60_000;

/**
 * What the webhook `exemptions-author` makes of a write to an Exemption: who asks and who decides is written by us, never by a client.
 * On CREATE: `spec.requestedBy` is the requester, a status is dropped. On UPDATE: `requestedBy` is whoever changed the spec, else as it was. On UPDATE of the
 * status: `by`, `byUid` and `at` of a changed approval are the requester and now, else as they were. Undefined for any other request. Applied to its own result
 * it changes nothing.
 */
export function authorExemption(request: AdmissionRequest, now: Date): JsonObject | undefined {
  const { object, oldObject, operation, requester } = request;
  if (object === null || kindKey(request.kind) !== 'Exemption.sallyport.dev') {
    return undefined;
  }
  if (request.subResource === 'status') {
    return operation === 'UPDATE' ? withApprover(object, oldObject, requester, now) : undefined;
  }
  if (request.subResource !== '') {
    return undefined;
  }
  switch (operation) {
    case 'CREATE':
      return withRequester(without(object, 'status'), requester);
    case 'UPDATE':
      return isSpecChanged(object, oldObject) ? withRequester(object, requester) : withOldRequester(object, oldObject);
    case 'DELETE':
    case 'CONNECT':
      return undefined;
  }
}

/** Whether a write changes what an exemption asks for, apart from who asks. */
export function isSpecChanged(object: JsonObject | null, oldObject: JsonObject | null): boolean {
  return !isSameJson(question(object), question(oldObject));
}

function question(object: JsonObject | null): Json | undefined {
  const spec = objectAt(object ?? undefined, 'spec');
  return spec === undefined ? undefined : without(spec, 'requestedBy');
}

/** Whether a write to the status changes what was decided, apart from who decided and when. */
export function isApprovalChanged(object: JsonObject | null, oldObject: JsonObject | null): boolean {
  return !isSameJson(answer(object), answer(oldObject));
}

function answer(object: JsonObject | null): Json | undefined {
  const approval = objectAt(object ?? undefined, 'status', 'approval');
  return approval === undefined ? undefined : without(approval, 'by', 'byUid', 'at');
}

function withRequester(object: JsonObject, { username, uid }: Requester): JsonObject {
  const spec = objectAt(object, 'spec');
  return spec === undefined ? object : { ...object, spec: { ...spec, requestedBy: { username, uid } } };
}

function withOldRequester(object: JsonObject, oldObject: JsonObject | null): JsonObject {
  const spec = objectAt(object, 'spec');
  const requestedBy = memberAt(oldObject ?? undefined, 'spec', 'requestedBy');
  if (spec === undefined) {
    return object;
  }
  return {
    ...object,
    spec: { ...without(spec, 'requestedBy'), ...(requestedBy === undefined ? {} : { requestedBy }) },
  };
}

function withApprover(object: JsonObject, oldObject: JsonObject | null, requester: Requester, now: Date): JsonObject {
  const [status, approval] = [objectAt(object, 'status'), objectAt(object, 'status', 'approval')];
  if (status === undefined || approval === undefined) {
    return object;
  }
  const author = isApprovalChanged(object, oldObject)
    ? { by: requester.username, byUid: requester.uid, at: decisionTime(approval, requester, now) }
    : oldAuthor(oldObject);
  return { ...object, status: { ...status, approval: { ...without(approval, 'by', 'byUid', 'at'), ...author } } };
}

/** Now, or the time that we wrote a moment ago when the API server asks again within the same request. */
function decisionTime(approval: JsonObject, requester: Requester, now: Date): string {
  const at = textAt(approval, 'at') ?? '';
  const isOurs = approval['by'] === requester.username && approval['byUid'] === requester.uid;
  const age = now.getTime() - Date.parse(at);
  return isOurs && age >= 0 && age < freshMs ? at : `${now.toISOString().slice(0, 19)}Z`;
}

function oldAuthor(oldObject: JsonObject | null): JsonObject {
  const old = objectAt(oldObject ?? undefined, 'status', 'approval') ?? {};
  return Object.fromEntries(['by', 'byUid', 'at'].flatMap((key) => (old[key] === undefined ? [] : [[key, old[key]]])));
}

function without(object: JsonObject, ...members: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !members.includes(key)));
}
