import type { Exemption } from '../../manifests/resources/exemption.ts';
import type { AdmissionRequest } from '../admission/request.ts';
import type { Facts } from './context.ts';
import { coversFinding } from './exemption-scope.ts';
import type { Finding } from './finding.ts';
import { isBeneficiary, subjectsOf } from './grant.ts';
import { isSamePerson } from './person.ts';
import { ceilingRules, unliftableRules } from './rule-ids.ts';

/** Why an exemption lifts nothing at this moment. */
export type InvalidReason =
  | 'not-approved'
  | 'edited-since-approval'
  | 'requester-unknown'
  | 'approver-unknown'
  | 'self-approved'
  | 'expired';

/**
 * Whether an exemption may be used now: approved in the generation it has, by somebody who is known not to be its requester, and not expired. An empty uid says
 * nothing about who somebody is, so it equals none. Absent `metadata.generation` is 1. Undefined: it is valid.
 */
export function whyNotValid(exemption: Exemption, now: Date): InvalidReason | undefined {
  const approval = exemption.status?.approval;
  const requester = exemption.spec.requestedBy;
  if (approval?.decision !== 'approved') {
    return 'not-approved';
  }
  if (approval.generation !== (exemption.metadata.generation ?? 1)) {
    return 'edited-since-approval';
  }
  if (requester === undefined || requester.username === '') {
    return 'requester-unknown';
  }
  if (approval.by === undefined || approval.by === '') {
    return 'approver-unknown';
  }
  if (isSamePerson({ username: approval.by, uid: approval.byUid ?? '' }, requester)) {
    return 'self-approved';
  }
  return isBefore(now, exemption.spec.expiresAt) ? undefined : 'expired';
}

/** `whyNotValid` as a yes or no. */
export function isValidNow(exemption: Exemption, now: Date): boolean {
  return whyNotValid(exemption, now) === undefined;
}

/**
 * The exemption that lifts this finding: one that is valid now, names the rule, covers the object, key, grant and content, and does not serve its own approver.
 * One alone must do all of it; two halves never add up. Of several, the one that is valid longest.
 */
export function validExemptionFor(finding: Finding, request: AdmissionRequest, facts: Facts): Exemption | undefined {
  if (unliftableRules.has(finding.rule)) {
    return undefined;
  }
  const candidates = facts.exemptions.filter(
    (exemption) =>
      exemption.spec.rules.includes(finding.rule) &&
      isValidNow(exemption, facts.now) &&
      !servesItsApprover(exemption, finding, request) &&
      exemption.spec.scope.some((entry) => coversFinding(entry, finding, request, facts)),
  );
  return candidates.reduce<Exemption | undefined>(
    (best, next) => (best === undefined || expiry(next) > expiry(best) ? next : best),
    undefined,
  );
}

const sentences: Readonly<Record<InvalidReason, string>> = {
  'not-approved': 'is not approved',
  'edited-since-approval': 'was changed after its approval: have it approved again',
  'requester-unknown': 'names nobody who asked for it: submit it again',
  'approver-unknown': 'names nobody who approved it: have it approved again',
  'self-approved': 'was approved by the one who asked for it: have somebody else approve it',
  expired: 'has expired',
};

/** For whoever meant a finding to be lifted: the exemption that covers it, and why it lifts nothing now. Undefined: there is none. */
export function whyNotLifted(finding: Finding, request: AdmissionRequest, facts: Facts): string | undefined {
  const covering = facts.exemptions.find(
    (exemption) =>
      exemption.spec.rules.includes(finding.rule) &&
      !isValidNow(exemption, facts.now) &&
      exemption.spec.scope.some((entry) => coversFinding(entry, finding, request, facts)),
  );
  const reason = covering === undefined ? undefined : whyNotValid(covering, facts.now);
  return covering === undefined || reason === undefined
    ? undefined
    : `Exemption "${covering.metadata.name ?? ''}" ${sentences[reason]}.`;
}

/**
 * The approver is no beneficiary. For a grant: none of its subjects by name (groups were looked at when the approval was given). For a ceiling: not the one who
 * writes the object, at each use.
 */
function servesItsApprover(exemption: Exemption, finding: Finding, request: AdmissionRequest): boolean {
  const approval = exemption.status?.approval;
  const approver = { username: approval?.by ?? '', uid: approval?.byUid ?? '' };
  if (ceilingRules.has(finding.rule) && isSamePerson(approver, request.requester)) {
    return true;
  }
  return isBeneficiary(subjectsOf(request.object ?? undefined, request.namespace), {
    username: approver.username,
    groups: [],
  });
}

function isBefore(now: Date, time: string): boolean {
  return now.getTime() < Date.parse(time);
}

function expiry(exemption: Exemption): number {
  return Date.parse(exemption.spec.expiresAt);
}
