import type { ExemptionGrant } from '../../manifests/resources/exemption.ts';
import type { AdmissionRequest, Json } from '../admission/request.ts';
import { atomsOf } from '../ceiling/atoms.ts';
import { covered, indexRules } from '../ceiling/covers.ts';
import type { PolicyRule } from '../ceiling/policy-rule.ts';
import { isJsonObject, listAt, textAt } from './json-access.ts';

const rbacGroup = 'rbac.authorization.k8s.io';

/** A subject of a binding, in one form whatever was left to defaults. */
export interface GrantSubject {
  readonly apiGroup: string;
  readonly kind: string;
  readonly name: string;
  /** Empty for users and groups. */
  readonly namespace: string;
}

/** The role that a binding refers to. */
export interface GrantRole {
  readonly apiGroup: string;
  readonly kind: string;
  readonly name: string;
}

/** The subjects of a binding. `namespace`: the binding's own, where a service account names none. What is no object is no subject. */
export function subjectsOf(binding: Json | undefined, namespace = ''): readonly GrantSubject[] {
  return listAt(binding, 'subjects').flatMap((subject) => {
    if (!isJsonObject(subject)) {
      return [];
    }
    const kind = textAt(subject, 'kind') ?? '';
    const isAccount = kind === 'ServiceAccount';
    const own = textAt(subject, 'namespace') ?? '';
    return [
      {
        apiGroup: filled(textAt(subject, 'apiGroup'), isAccount ? '' : rbacGroup),
        kind,
        name: textAt(subject, 'name') ?? '',
        namespace: isAccount && own === '' ? namespace : own,
      },
    ];
  });
}

/** The role of a binding; undefined when it names none. */
export function roleRefOf(binding: Json | undefined): GrantRole | undefined {
  const kind = textAt(binding, 'roleRef', 'kind');
  const name = textAt(binding, 'roleRef', 'name');
  if (kind === undefined || name === undefined) {
    return undefined;
  }
  return { apiGroup: filled(textAt(binding, 'roleRef', 'apiGroup'), rbacGroup), kind, name };
}

/** What the API server's defaulting makes of a text that is absent or empty. */
function filled(text: string | undefined, fallback: string): string {
  return text === undefined || text === '' ? fallback : text;
}

/** Whether two subjects are the same one. */
export function isSameSubject(left: GrantSubject, right: GrantSubject): boolean {
  return (
    left.kind === right.kind &&
    left.name === right.name &&
    left.namespace === right.namespace &&
    left.apiGroup === right.apiGroup
  );
}

/** Whether two bindings refer to the same role. */
export function isSameRole(left: GrantRole | undefined, right: GrantRole | undefined): boolean {
  return (
    left !== undefined &&
    right !== undefined &&
    left.kind === right.kind &&
    left.name === right.name &&
    left.apiGroup === right.apiGroup
  );
}

/** The subjects that a write adds to a binding: all of them when it is new, or refers to another role than before. */
export function addedSubjects(request: AdmissionRequest): readonly GrantSubject[] {
  const [now, then] = [request.object ?? undefined, request.oldObject ?? undefined];
  const subjects = subjectsOf(now, request.namespace);
  if (!isSameRole(roleRefOf(now), roleRefOf(then))) {
    return subjects;
  }
  const old = subjectsOf(then, request.namespace);
  return subjects.filter((subject) => !old.some((known) => isSameSubject(known, subject)));
}

/** Whether a grant as its approver read it covers a binding: the very same role, and no subject but those named. Nobody is covered by a grant without subjects. */
export function coversBinding(
  grant: ExemptionGrant,
  role: GrantRole | undefined,
  subjects: readonly GrantSubject[],
): boolean {
  const granted = subjectsOf(asJson(grant));
  return (
    granted.length > 0 &&
    isSameRole(roleRefOf(asJson(grant)), role) &&
    subjects.every((subject) => granted.some((known) => isSameSubject(known, subject)))
  );
}

/** Whether the rules of a grant, as its approver read them, cover all of `needed`: each atom by a single rule, as RBAC itself would. */
export function coversRules(grant: ExemptionGrant, needed: readonly PolicyRule[]): boolean {
  const granted = indexRules((grant.rules ?? []).map(withoutGaps));
  return needed.length > 0 && needed.every((rule) => [...atomsOf(rule)].every((atom) => covered(atom, granted)));
}

function withoutGaps(rule: NonNullable<ExemptionGrant['rules']>[number]): PolicyRule {
  const { apiGroups = [], resources = [], verbs, resourceNames = [], nonResourceURLs = [] } = rule;
  return { apiGroups, resources, verbs, resourceNames, nonResourceURLs };
}

/**
 * Whether a person is among the subjects: by name, through a group, or as the service account that the username spells. What they might become by other
 * grants is not asked.
 */
export function isBeneficiary(
  subjects: readonly GrantSubject[],
  person: { readonly username: string; readonly groups: readonly string[] },
): boolean {
  return subjects.some((subject) => {
    switch (subject.kind) {
      case 'User':
        return subject.name === person.username;
      case 'Group':
        return person.groups.includes(subject.name);
      case 'ServiceAccount':
        return person.username === `system:serviceaccount:${subject.namespace}:${subject.name}`;
      default:
        return false;
    }
  });
}

/** The subjects that a grant names. */
export function subjectsOfGrant(grant: ExemptionGrant | undefined): readonly GrantSubject[] {
  return grant === undefined ? [] : subjectsOf(asJson(grant));
}

/** A grant read by the readers of raw bindings, so that both are understood alike. */
function asJson(grant: ExemptionGrant): Json {
  const { roleRef, subjects } = grant;
  return {
    ...(roleRef === undefined ? {} : { roleRef: definedOnly(roleRef) }),
    ...(subjects === undefined ? {} : { subjects: subjects.map(definedOnly) }),
  };
}

function definedOnly(members: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(members).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
