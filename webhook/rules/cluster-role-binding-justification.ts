import type { AdmissionRequest } from '../admission/request.ts';
import type { RuleContext } from '../policy/context.ts';
import type { Finding } from '../policy/finding.ts';
import { addedSubjects, type GrantRole, type GrantSubject, roleRefOf } from '../policy/grant.ts';
import { report } from '../policy/report.ts';
import type { ObjectRule } from '../policy/rule.ts';
import type { ReleaseSettings } from '../policy/settings.ts';
import { shownName } from '../policy/shown-name.ts';

export const clusterRoleBindingJustification: ObjectRule = {
  id: 'cluster-role-binding-justification',
  title: 'A cluster-wide grant that nobody else has approved',
  why: 'A ClusterRoleBinding reaches every namespace, those of tomorrow included, and stays when its reason is forgotten. Nothing in Kubernetes asks a second person or ends it.',
  remediation:
    'Bind {role} with a RoleBinding in each namespace that needs it, or submit an Exemption for ClusterRoleBinding {binding} (role, subjects, ticket, expiry) and let a second person approve it.',
  invariants: ['INV-9'],
  references: ['CIS 5.1.1', 'NIST 800-53r5 AC-6(1)'],
  controls: {
    CIS: ['5.1.1'],
    'SOC 2': ['CC6.3', 'CC8.1'],
    'ISO 27001:2022': ['A.5.15', 'A.5.18', 'A.8.2'],
    'PCI DSS 4.0.1': ['7.2.2', '7.2.3'],
    'NIST 800-53r5': ['AC-2', 'AC-6(1)', 'CM-5'],
    'kubescape, MITRE': ['C-0035', 'C-0185', 'T1098.006'],
  },
  since: '0.1.0',
  defaultMode: 'cluster',
  exemptable: true,
  judges: 'object',
  appliesTo: { kinds: ['ClusterRoleBinding.rbac.authorization.k8s.io'], operations: ['CREATE', 'UPDATE'] },
  check,
};

/**
 * One finding for the whole grant, at `/subjects`, so that one exemption must cover all of it. That an exemption does is not looked at here: it is applied to
 * the finding afterwards, as to any other.
 */
function check(request: AdmissionRequest, { settings }: RuleContext): readonly Finding[] {
  const subjects = addedSubjects(request);
  const role = roleRefOf(request.object ?? undefined);
  const isBootstrap = request.requester.username === 'system:apiserver';
  if (subjects.length === 0 || isBootstrap || isOurOwn(role, subjects, settings.systemNamespace, settings.release)) {
    return [];
  }
  const roleName = shownName(role?.name ?? '');
  return [
    report(clusterRoleBindingJustification, {
      path: '/subjects',
      subject: `${role?.kind === 'ClusterRole' ? 'ClusterRole' : 'role'} ${roleName}`,
      found: `granted in every namespace to ${listed(subjects)}, approved by nobody else`,
      values: { role: roleName, binding: shownName(request.name) },
    }),
  ];
}

/** Our release binds its own roles to its own accounts, both by exact name. */
function isOurOwn(
  role: GrantRole | undefined,
  subjects: readonly GrantSubject[],
  namespace: string,
  release: ReleaseSettings,
): boolean {
  return (
    role?.kind === 'ClusterRole' &&
    release.clusterRoles.includes(role.name) &&
    subjects.every(
      (subject) =>
        subject.kind === 'ServiceAccount' && subject.namespace === namespace && release.accounts.includes(subject.name),
    )
  );
}

const shownSubjects = 3;

function listed(subjects: readonly GrantSubject[]): string {
  const shown = subjects.slice(0, shownSubjects).map(subjectName).join(', ');
  return subjects.length > shownSubjects ? `${shown} and ${subjects.length - shownSubjects} more` : shown;
}

function subjectName({ kind, namespace, name }: GrantSubject): string {
  const word =
    kind === 'User' ? 'user' : kind === 'Group' ? 'group' : kind === 'ServiceAccount' ? 'service account' : 'subject';
  return `${word} ${shownName(namespace === '' ? name : `${namespace}/${name}`)}`;
}
