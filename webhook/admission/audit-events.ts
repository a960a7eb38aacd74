import { createHash } from 'node:crypto';
import type { AuditEvent } from '../../audit/event.ts';
import type { Exemption } from '../../manifests/resources/exemption.ts';
import { readExemption } from '../../manifests/resources/exemption.ts';
import { templateDigest } from '../deployer/template-projection.ts';
import { whoDeployed } from '../deployer/who-deployed.ts';
import type { Facts } from '../policy/context.ts';
import { isApprovalChanged, isSpecChanged } from '../policy/exemption-author.ts';
import { textAt } from '../policy/json-access.ts';
import { kindKey, podSubjectOf } from '../policy/pod-template.ts';
import type { Reviewed } from '../review.ts';
import type { Call } from './call.ts';
import type { AdmissionRequest, JsonObject } from './request.ts';

/*
 * What is recorded of a decision. A review that finds, patches and judges nothing leaves no event: the API server's own audit has it. Dry runs leave none at all.
 */

const longest = 512;
const mostListed = 64;
const credentialKey = 'authentication.kubernetes.io/credential-id';

/** Events whose append must succeed before the answer: exemptions used, asked for, decided. */
export function exemptionEvents({ request, half, decisionId }: Call, reviewed: Reviewed): readonly AuditEvent[] {
  if (half === 'mutate' || request.dryRun || !reviewed.response.allowed) {
    return [];
  }
  const used = new Map(reviewed.lifted.map(({ exemption }) => [exemption.metadata.name, exemption]));
  const uses = [...used.values()].map((exemption) => ({
    event: 'exemption.used' as const,
    outcome: 'granted' as const,
    ...common(request, decisionId),
    ...described(exemption),
  }));
  return [...uses, ...lifeEvents(request, decisionId)];
}

/** The event of the decision itself; undefined when there is nothing to record. */
export function decisionEvent(call: Call, reviewed: Reviewed, facts: Facts, revision: string): AuditEvent | undefined {
  const { request, half, decisionId } = call;
  const { response, findings, lifted } = reviewed;
  const isJudgedWorkload = half === 'validate' && podSubjectOf(request) !== undefined;
  if (
    request.dryRun ||
    (half === 'mutate' ? response.patch === undefined : findings.length + lifted.length === 0 && !isJudgedWorkload)
  ) {
    return undefined;
  }
  return {
    event: half === 'mutate' ? 'admission.mutated' : response.allowed ? 'admission.allowed' : 'admission.denied',
    outcome: response.allowed ? 'granted' : 'refused',
    ...common(request, half === 'validate' ? decisionId : undefined),
    policyRev: revision,
    ...operation(request),
    rules: idsOf(findings),
    exemptions: distinct(lifted.map(({ exemption }) => exemption.metadata.name ?? '')),
    ...(response.patch === undefined ? {} : { patchDigest: sha256(response.patch) }),
    ...(isJudgedWorkload ? deployment(request, facts) : {}),
    ...(response.allowed && findings.length > 0 ? { wouldDeny: idsOf(findings) } : {}),
  };
}

/** A review that got no verdict. `code`: of the failure. */
export function failureEvent({ request, decisionId }: Call, code: string): AuditEvent | undefined {
  return request.dryRun
    ? undefined
    : {
        event: 'admission.failed',
        outcome: 'failed',
        reasonCode: code,
        ...common(request, decisionId),
        ...operation(request),
        rules: [],
        exemptions: [],
      };
}

/** What an exemption is, for its events. */
export function described(exemption: Exemption) {
  const { spec, status } = exemption;
  const expiresAt = Date.parse(spec.expiresAt);
  return {
    exemption: cut(exemption.metadata.name ?? ''),
    rules: distinct(spec.rules),
    scope: distinct(
      spec.scope.map(({ kind, namespace, name }) => `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`),
    ),
    ...(spec.requestedBy === undefined ? {} : { requester: cut(spec.requestedBy.username) }),
    ...(status?.approval?.by === undefined ? {} : { approver: cut(status.approval.by) }),
    specDigest: sha256(JSON.stringify(spec)),
    ...(Number.isNaN(expiresAt) ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
  };
}

/** Requested and decided: what a write to an Exemption, now about to be stored, begins or ends. */
function lifeEvents(request: AdmissionRequest, decisionId: string): readonly AuditEvent[] {
  const exemption = kindKey(request.kind) === 'Exemption.sallyport.dev' ? readExemption(request.object) : undefined;
  if (exemption === undefined) {
    return [];
  }
  const shared = { outcome: 'info' as const, ...common(request, decisionId), ...described(exemption) };
  if (request.subResource === '') {
    return isSpecChanged(request.object, request.oldObject) ? [{ event: 'exemption.requested', ...shared }] : [];
  }
  const decision = isApprovalChanged(request.object, request.oldObject)
    ? exemption.status?.approval?.decision
    : undefined;
  if (decision === undefined) {
    return [];
  }
  return decision === 'approved'
    ? [{ event: 'exemption.approved', ...shared, outcome: 'granted' }]
    : [{ event: 'exemption.revoked', ...shared, reasonCode: decision, by: cut(request.requester.username) }];
}

function common(request: AdmissionRequest, decisionId: string | undefined) {
  const { requester, uid } = request;
  const credentialId = requester.extra[credentialKey]?.[0];
  const credential = credentialId === undefined ? {} : { credentialId: cut(credentialId) };
  return {
    principal: {
      kind: 'kubernetes' as const,
      username: cut(requester.username),
      ...(requester.uid === '' ? {} : { uid: cut(requester.uid) }),
      groupsDigest: sha256(JSON.stringify([...requester.groups].sort())),
      ...credential,
    },
    target: targetOf(request),
    correlation: { admissionUid: cut(uid), ...(decisionId === undefined ? {} : { decisionId }), ...credential },
  };
}

function targetOf(request: AdmissionRequest) {
  const uid = uidOf(request.object ?? request.oldObject);
  return {
    kind: cut(request.kind.kind),
    ...(request.namespace === '' ? {} : { namespace: cut(request.namespace) }),
    name: cut(request.name),
    ...(uid === undefined ? {} : { uid: cut(uid) }),
  };
}

function operation(request: AdmissionRequest) {
  const { group, version } = request.kind;
  const resource = `${group === '' ? '' : `${group}/`}${version}/${request.resource}${request.subResource === '' ? '' : `/${request.subResource}`}`;
  return { operation: request.operation, resource: cut(resource) };
}

/** By these a pod is walked back to who deployed it: its owner's template digest is in the event of the write that brought it. */
function deployment(request: AdmissionRequest, facts: Facts) {
  const uid = uidOf(request.object);
  const pod = podSubjectOf(request)?.pod;
  return {
    ...(whoDeployed(request, facts).kind === 'requester' ? { deployer: cut(request.requester.username) } : {}),
    ...(uid === undefined ? {} : { objectUid: cut(uid) }),
    ...(pod === undefined ? {} : { templateDigest: templateDigest(pod).replace('sha256:', '') }),
  };
}

function uidOf(object: JsonObject | null): string | undefined {
  return object === null ? undefined : textAt(object, 'metadata', 'uid');
}

function idsOf(findings: readonly { readonly rule: string }[]): string[] {
  return distinct(findings.map(({ rule }) => rule));
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts.map(cut))].slice(0, mostListed);
}

function cut(text: string): string {
  return text.slice(0, longest);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
