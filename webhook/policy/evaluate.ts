import type { AdmissionRequest, JsonObject } from '../admission/request.ts';
import type { RuleContext } from './context.ts';
import type { Finding } from './finding.ts';
import { embeddedRequest } from './last-applied.ts';
import { isMirrorPod, kindKey, podSubjectOf } from './pod-template.ts';
import type { AppliesTo, ObjectRule, PodRule, Rule } from './rule.ts';

/** A finding with the rule that made it. */
export interface RuleFinding {
  readonly rule: Rule;
  readonly finding: Finding;
}

/**
 * All that the rules find in one request, in the order of `rules`. Modes and exemptions come after (`modes.ts`, `exemptions.ts`): one evaluation, read several ways.
 */
export function evaluateRules(
  rules: readonly Rule[],
  request: AdmissionRequest,
  context: RuleContext,
): readonly RuleFinding[] {
  return rules.flatMap((rule) => findingsOf(rule, request, context).map((finding) => ({ rule, finding })));
}

/** What one rule finds: in the object, and in the copy of it that `kubectl apply` leaves in an annotation. */
export function findingsOf(rule: Rule, request: AdmissionRequest, context: RuleContext): readonly Finding[] {
  const found = judge(rule, request, context);
  const embedded = embeddedRequest(rule, request);
  if (embedded === undefined) {
    return found;
  }
  const known = new Set(found.map((finding) => finding.path));
  return [
    ...found,
    ...judge(rule, embedded.request, context)
      .filter((finding) => !known.has(finding.path))
      .map((finding) => embedded.finding(finding)),
  ];
}

function judge(rule: Rule, request: AdmissionRequest, context: RuleContext): readonly Finding[] {
  return rule.judges === 'pod' ? judgePod(rule, request, context) : judgeObject(rule, request, context);
}

function judgePod(rule: PodRule, request: AdmissionRequest, context: RuleContext): readonly Finding[] {
  const subject = rule.operations.includes(request.operation) ? podSubjectOf(request) : undefined;
  if (subject === undefined || (subject.isTemplate && !rule.templates) || isMirrorPod(request)) {
    return [];
  }
  return rule.check(subject, context);
}

function judgeObject(rule: ObjectRule, request: AdmissionRequest, context: RuleContext): readonly Finding[] {
  return applies(rule.appliesTo, request) ? rule.check(request, context) : [];
}

function applies({ kinds, operations }: AppliesTo, request: AdmissionRequest): boolean {
  const kind = kindKey(request.kind);
  return (
    operations.includes(request.operation) &&
    kinds.includes(request.subResource === '' ? kind : `${kind}/${request.subResource}`)
  );
}

/** The request that would have created the old object: what was wrong before the change under judgement. */
export function requestOfOld(request: AdmissionRequest): AdmissionRequest | undefined {
  const old: JsonObject | null = request.oldObject;
  return old === null ? undefined : { ...request, operation: 'CREATE', object: old, oldObject: null };
}
