import type { AdmissionRequest } from '../admission/request.ts';
import { namespaceLabels } from '../annotations.ts';
import type { NamespaceFacts, RuleContext } from './context.ts';
import { findingsOf, requestOfOld } from './evaluate.ts';
import type { Finding } from './finding.ts';
import { isSameJson, memberAt, resolvePointer } from './json-access.ts';
import type { Rule } from './rule.ts';
import { ceilingRules, familyOf } from './rule-ids.ts';
import type { Mode, PolicySettings } from './settings.ts';

const strength: Readonly<Record<Mode, number>> = { off: 0, audit: 1, warn: 2, enforce: 3 };

/** The weakest of several modes; `enforce` of none. */
export function weakest(...modes: readonly Mode[]): Mode {
  return modes.reduce((least, mode) => (strength[mode] < strength[least] ? mode : least), 'enforce');
}

/**
 * What becomes of a finding: `enforce` denies, `warn` warns, `audit` records, `off` forgets it. The least of the mode of its scope, the rule's own and the cap
 * of the check; at most `warn` where the same fault stood there before, unchanged, and `off` where that object is being deleted besides: it must not be held up.
 * Guards enforce whatever anybody set.
 */
export function effectiveMode(rule: Rule, finding: Finding, request: AdmissionRequest, context: RuleContext): Mode {
  const cap = finding.cap ?? 'enforce';
  if (rule.defaultMode === 'guard') {
    return cap;
  }
  if (isBeingDeleted(request) && (ceilingRules.has(rule.id) || stoodBefore(rule, finding, request, context))) {
    return 'off';
  }
  const mode = weakest(scopeMode(rule, request, context), context.settings.ruleModes[rule.id] ?? 'enforce', cap);
  return mode === 'enforce' && stoodBefore(rule, finding, request, context) ? 'warn' : mode;
}

/** The mode that the place of an object gives: its namespace's, or the cluster's. */
function scopeMode(rule: Rule, request: AdmissionRequest, { namespace, settings }: RuleContext): Mode {
  if (
    rule.defaultMode === 'cluster' ||
    request.namespace === '' ||
    takesTheCluster(rule, request.namespace, settings)
  ) {
    return settings.clusterPolicy;
  }
  return namespaceMode(namespace);
}

/** Whoever binds roles in kube-system or next to us takes the cluster: there the rules about authorization follow the cluster's mode. */
function takesTheCluster(rule: Rule, namespace: string, settings: PolicySettings): boolean {
  return (
    familyOf(rule.id) === 'authorization' &&
    settings.clusterNamespaces.some((entry) =>
      entry.endsWith('*') ? namespace.startsWith(entry.slice(0, -1)) : namespace === entry,
    )
  );
}

/**
 * The mode of a namespace: its `policy` label; else `enforce` where identity is enabled, `audit` elsewhere. A label value that means nothing counts as none.
 * A namespace nobody knows is held to be opted in.
 */
export function namespaceMode(namespace: NamespaceFacts | undefined): Mode {
  if (namespace === undefined || !namespace.known) {
    return 'enforce';
  }
  const policy = namespace.labels[namespaceLabels.policy];
  if (policy === 'enforce' || policy === 'warn' || policy === 'audit') {
    return policy;
  }
  return namespace.labels[namespaceLabels.identity] === 'enabled' ? 'enforce' : 'audit';
}

/**
 * Only what stood there before goes free: a finalizer keeps an object for as long as its author likes, and a binding or a Secret that is being deleted works like any
 * other. No controller starts anything for a workload that is going, so a ceiling has nothing to say of one.
 */
function isBeingDeleted(request: AdmissionRequest): boolean {
  const stamp = memberAt(request.oldObject ?? undefined, 'metadata', 'deletionTimestamp');
  return request.operation === 'UPDATE' && stamp !== undefined && stamp !== null;
}

/**
 * Whether the old object had this very finding, at this path, over the same content. Without it, whoever updates a status or removes a finalizer would be held
 * to account for what somebody else wrote. Equal content alone is not enough: what it refers to may have changed. A ceiling holds whoever writes *now* against
 * what is written, and looks itself at what a write changes: that the account was too powerful before excuses nobody.
 */
function stoodBefore(rule: Rule, finding: Finding, request: AdmissionRequest, context: RuleContext): boolean {
  const isUpdate = request.operation === 'UPDATE' && !ceilingRules.has(rule.id);
  const before = isUpdate ? requestOfOld(request) : undefined;
  if (before === undefined || request.object === null || request.oldObject === null) {
    return false;
  }
  const [now, then] = [resolvePointer(request.object, finding.path), resolvePointer(request.oldObject, finding.path)];
  return (
    then !== undefined &&
    isSameJson(now, then) &&
    findingsOf(rule, before, context).some((old) => old.path === finding.path && old.found === finding.found)
  );
}
