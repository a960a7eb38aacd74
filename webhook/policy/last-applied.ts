import type { AdmissionRequest, JsonObject } from '../admission/request.ts';
import { type Finding, pointer } from './finding.ts';
import { textAt } from './json-access.ts';
import type { Rule } from './rule.ts';
import { familyOf } from './rule-ids.ts';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
const annotationPath = pointer('', 'metadata', 'annotations', annotation);
const longestJudged = 1_048_576;

/** The copy of the object in the annotation as a request of its own, and how its findings are told. */
export interface EmbeddedRequest {
  readonly request: AdmissionRequest;
  /** The same finding, placed at the annotation and capped at `warn`. */
  finding(inner: Finding): Finding;
}

/**
 * `kubectl apply` keeps a copy of what was applied in an annotation, where an old credential outlives its removal from the object. Rules about credentials judge
 * it like the object, at most as a warning. Undefined where there is nothing (new) to judge: no annotation, one that is no object, or the one already there.
 */
export function embeddedRequest(rule: Rule, request: AdmissionRequest): EmbeddedRequest | undefined {
  if (familyOf(rule.id) !== 'credentials' || request.object === null) {
    return undefined;
  }
  const text = textAt(request.object, 'metadata', 'annotations', annotation);
  const old = request.oldObject === null ? undefined : textAt(request.oldObject, 'metadata', 'annotations', annotation);
  const object = text === undefined || text === old ? undefined : parsed(text);
  if (object === undefined) {
    return undefined;
  }
  const oldObject = (old === undefined ? undefined : parsed(old)) ?? null;
  return {
    request: { ...request, object, oldObject, operation: oldObject === null ? 'CREATE' : request.operation },
    finding: (inner) => ({
      ...inner,
      path: annotationPath,
      subject: `annotation ${annotation}, ${inner.subject}`,
      cap: inner.cap ?? 'warn',
    }),
  };
}

function parsed(text: string): JsonObject | undefined {
  if (text.length > longestJudged) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
