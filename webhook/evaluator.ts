import type { Exemption } from '../manifests/resources/exemption.ts';
import type { AdmissionRequest } from './admission/request.ts';
import type { RuleContext } from './policy/context.ts';
import { evaluateRules, type RuleFinding } from './policy/evaluate.ts';
import { validExemptionFor } from './policy/exemptions.ts';
import type { Finding } from './policy/finding.ts';
import { effectiveMode } from './policy/modes.ts';
import { isMirrorPod, podSubjectOf } from './policy/pod-template.ts';
import type { Rule } from './policy/rule.ts';
import { ceilingRules } from './policy/rule-ids.ts';
import type { Mode } from './policy/settings.ts';
import { allRules } from './rules/all-rules.ts';

/** A finding and what becomes of it. */
export interface JudgedFinding extends Finding {
  readonly mode: Exclude<Mode, 'off'>;
}

/** A finding that an exemption takes away: it warns, whatever its mode. */
export interface LiftedFinding extends JudgedFinding {
  readonly exemption: Exemption;
}

/** A rule that could not be asked. `mode`: what its findings would have been; in `enforce` the request must not be answered (HTTP 503). */
export interface Undecided {
  readonly rule: string;
  readonly reason: 'rbac-unknown';
  readonly mode: Exclude<Mode, 'off'>;
}

/** One evaluation, to be read as denial, warning or record. */
export interface Evaluation {
  /** Not lifted, in the order of the rules. */
  readonly findings: readonly JudgedFinding[];
  readonly lifted: readonly LiftedFinding[];
  readonly undecided: readonly Undecided[];
}

/** Judges one request by all rules, then by exemptions and modes. Pure; the webhook, the CLI and the scan judge by it. */
export function evaluate(request: AdmissionRequest, context: RuleContext): Evaluation {
  const judged = evaluateRules(allRules, request, context).flatMap((found) => judge(found, request, context));
  return {
    findings: judged.filter((finding) => !isLifted(finding)),
    lifted: judged.filter(isLifted),
    undecided: undecidedOf(request, context),
  };
}

function judge(
  { rule, finding }: RuleFinding,
  request: AdmissionRequest,
  context: RuleContext,
): readonly (JudgedFinding | LiftedFinding)[] {
  const mode = effectiveMode(rule, finding, request, context);
  if (mode === 'off') {
    return [];
  }
  const exemption = validExemptionFor(finding, request, context);
  return [exemption === undefined ? { ...finding, mode } : { ...finding, mode, exemption }];
}

function isLifted(finding: JudgedFinding | LiftedFinding): finding is LiftedFinding {
  return 'exemption' in finding;
}

/** The ceiling needs to know who may do what; without it, silence would be consent. */
function undecidedOf(request: AdmissionRequest, context: RuleContext): readonly Undecided[] {
  if (context.rbac !== undefined) {
    return [];
  }
  return allRules
    .filter((rule) => ceilingRules.has(rule.id) && judgesPodOf(rule, request))
    .flatMap((rule) => {
      const mode = effectiveMode(rule, { rule: rule.id, path: '', subject: '', found: '', fix: '' }, request, context);
      return mode === 'off' ? [] : [{ rule: rule.id, reason: 'rbac-unknown' as const, mode }];
    });
}

function judgesPodOf(rule: Rule, request: AdmissionRequest): boolean {
  return (
    rule.judges === 'pod' &&
    rule.operations.includes(request.operation) &&
    podSubjectOf(request) !== undefined &&
    !isMirrorPod(request)
  );
}
