import { type Exemption, readExemption } from '../../manifests/resources/exemption.ts';
import type { AdmissionRequest, JsonObject } from '../admission/request.ts';
import type { RuleContext } from '../policy/context.ts';
import { isApprovalChanged, isSpecChanged } from '../policy/exemption-author.ts';
import { type Mistake, mistakesOfSpec, mistakesOfStatusForm } from '../policy/exemption-terms.ts';
import type { Finding } from '../policy/finding.ts';
import { isBeneficiary, subjectsOfGrant } from '../policy/grant.ts';
import { isSameJson, memberAt, objectAt, textAt } from '../policy/json-access.ts';
import { isSamePerson } from '../policy/person.ts';
import { report } from '../policy/report.ts';
import type { ObjectRule } from '../policy/rule.ts';
import type { PolicySettings } from '../policy/settings.ts';

export const exemptionApproval: ObjectRule = {
  id: 'exemption-approval',
  title: 'An exemption approved by whoever asked for it, without an end, or too wide',
  why: 'Who can approve an own exemption, or one that covers anything for ever, is bound by no rule at all. Every other rule is worth what its exemptions are.',
  remediation:
    'Correct {field}, and have the exemption approved by a second person who holds ClusterRole sallyport-exemption-approver and gains nothing from it.',
  invariants: ['INV-9', 'INV-10'],
  references: ['NIST 800-53r5 AC-5', 'ISO 27001:2022 A.5.3'],
  controls: {
    CIS: ['5.2.1'],
    'SOC 2': ['CC6.2', 'CC8.1', 'CC7.2'],
    'ISO 27001:2022': ['A.5.3', 'A.8.15', 'A.8.32'],
    'PCI DSS 4.0.1': ['7.2.3', '7.2.4', '10.2.1.2'],
    'NIST 800-53r5': ['AC-5', 'AU-10', 'CM-3'],
  },
  since: '0.1.0',
  defaultMode: 'guard',
  exemptable: false,
  judges: 'object',
  appliesTo: {
    kinds: ['Exemption.sallyport.dev', 'Exemption.sallyport.dev/status'],
    operations: ['CREATE', 'UPDATE'],
  },
  check: (request, context) => {
    const mistakes = request.subResource === 'status' ? judgeStatus(request, context) : judgeRequest(request, context);
    return mistakes.map(told);
  },
};

function told({ path, field, found }: Mistake): Finding {
  return report(exemptionApproval, { path, subject: field, found, values: { field } });
}

/** What is asked for, and that the one who asks is named truly. A write that leaves the spec alone may not rewrite who asked. */
function judgeRequest(
  { object, oldObject, requester }: AdmissionRequest,
  { now, settings }: RuleContext,
): readonly Mistake[] {
  if (object === null) {
    return [];
  }
  const author = memberAt(object, 'spec', 'requestedBy');
  if (oldObject !== null && !isSpecChanged(object, oldObject)) {
    return isSameJson(author, memberAt(oldObject, 'spec', 'requestedBy')) ? [] : [forgedRequester];
  }
  const isTrue = isSameJson(author, { username: requester.username, uid: requester.uid });
  return [...mistakesOfSpec(object, now, settings.exemptions), ...(isTrue ? [] : [forgedRequester])];
}

const forgedRequester: Mistake = {
  path: '/spec/requestedBy',
  field: 'spec.requestedBy',
  found: 'not who sent this request; the webhook writes it',
};

function judgeStatus(request: AdmissionRequest, context: RuleContext): readonly Mistake[] {
  const { object, oldObject } = request;
  if (object === null) {
    return [];
  }
  const form = mistakesOfStatusForm(object);
  if (form.length > 0) {
    return form;
  }
  const bookkeeping = isOurAccount(request, context.settings) ? [] : changedBookkeeping(object, oldObject);
  return [...bookkeeping, ...judgeApproval(request, context)];
}

function isOurAccount({ requester }: AdmissionRequest, { systemNamespace, release }: PolicySettings): boolean {
  return requester.username === `system:serviceaccount:${systemNamespace}:${release.webhookAccount}`;
}

function changedBookkeeping(object: JsonObject, oldObject: JsonObject | null): readonly Mistake[] {
  return ['use', 'conditions']
    .filter(
      (member) => !isSameJson(memberAt(object, 'status', member), memberAt(oldObject ?? undefined, 'status', member)),
    )
    .map((member) => ({ path: `/status/${member}`, field: `status.${member}`, found: 'kept by the webhook alone' }));
}

function judgeApproval(request: AdmissionRequest, context: RuleContext): readonly Mistake[] {
  const { object, oldObject } = request;
  const approval = objectAt(object ?? undefined, 'status', 'approval');
  if (approval === undefined) {
    return [];
  }
  if (!isApprovalChanged(object, oldObject)) {
    return isSameJson(approval, memberAt(oldObject ?? undefined, 'status', 'approval'))
      ? []
      : [mistake('by', 'an approval is rewritten without a new decision')];
  }
  const forged = isWrittenByUs(approval, request, context.now)
    ? []
    : [mistake('by', 'by, byUid and at are written by the webhook')];
  return textAt(approval, 'decision') === 'approved'
    ? [...forged, ...judgeApproved(request, approval, context)]
    : forged;
}

const freshMs = 300_000;

function isWrittenByUs(approval: JsonObject, { requester }: AdmissionRequest, now: Date): boolean {
  const age = Math.abs(now.getTime() - Date.parse(textAt(approval, 'at') ?? ''));
  return textAt(approval, 'by') === requester.username && textAt(approval, 'byUid') === requester.uid && age <= freshMs;
}

/** Only `approved` lifts anything; whoever may write the status may reject and revoke. */
function judgeApproved(
  request: AdmissionRequest,
  approval: JsonObject,
  { now, settings }: RuleContext,
): readonly Mistake[] {
  // The spec that is stored, not one that came along with the status.
  const stored = readExemption({ ...(request.oldObject ?? request.object), status: undefined });
  if (stored === undefined) {
    return [mistake('decision', 'the exemption itself is malformed')];
  }
  const refusals: readonly (readonly [boolean, string, string])[] = [
    [
      approval['generation'] !== (stored.metadata.generation ?? 1),
      'generation',
      'not the generation that the exemption has now',
    ],
    [stored.spec.requestedBy === undefined, 'decision', 'nobody knows who asked for it'],
    [isSelf(stored, request), 'decision', 'approved by whoever asked for it'],
    [!isPerson(request, settings), 'decision', 'approved by a program, not by a person'],
    [gains(stored, request), 'decision', 'approved by whoever gains from it'],
    [Date.parse(stored.spec.expiresAt) <= now.getTime(), 'decision', 'approved after its end'],
  ];
  return refusals.filter(([isRefused]) => isRefused).map(([, member, found]) => mistake(member, found));
}

function isSelf({ spec }: Exemption, { requester }: AdmissionRequest): boolean {
  return spec.requestedBy !== undefined && isSamePerson(spec.requestedBy, requester);
}

const programs = ['system:serviceaccount:', 'system:node:', 'system:kube-', 'system:apiserver', 'system:anonymous'];

function isPerson({ requester }: AdmissionRequest, { exemptions }: PolicySettings): boolean {
  return (
    exemptions.approverAccounts.includes(requester.username) ||
    !programs.some((prefix) => requester.username.startsWith(prefix))
  );
}

/** A subject of a grant, by name or through a group, or the account that is exempted itself. */
function gains({ spec }: Exemption, { requester }: AdmissionRequest): boolean {
  return spec.scope.some(
    ({ grant, kind, namespace = '', name }) =>
      isBeneficiary(subjectsOfGrant(grant), requester) ||
      (kind === 'ServiceAccount' && requester.username === `system:serviceaccount:${namespace}:${name}`),
  );
}

function mistake(member: string, found: string): Mistake {
  return { path: `/status/approval/${member}`, field: `status.approval.${member}`, found };
}
