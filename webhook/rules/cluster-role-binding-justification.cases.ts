import { alice, creates, minimalClusterRoleBinding, tweaked, updates } from '../../test/builders/judgement.ts';
import type { ObjectRuleCases } from '../../test/builders/rule-cases.ts';
import { clusterRoleBindingJustification } from './cluster-role-binding-justification.ts';

const auditors = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'auditors' };
const carol = { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'carol' };
const robot = { kind: 'ServiceAccount', namespace: 'ci', name: 'robot' };
const granted = tweaked(minimalClusterRoleBinding, { subjects: [auditors] });
const toAdmin = { roleRef: { name: 'cluster-admin' } };
const ours = { kind: 'ServiceAccount', namespace: 'sallyport-system', name: 'sallyport-webhook' };
const inNamespace = creates({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: 'auditors', namespace: 'payments' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
  subjects: [auditors],
});

export const clusterRoleBindingJustificationCases: ObjectRuleCases = {
  rule: clusterRoleBindingJustification,
  allow: [
    { name: 'a binding in one namespace', request: inNamespace },
    { name: 'AR-35 a binding without subjects', request: creates(minimalClusterRoleBinding) },
    {
      name: 'the API server that restores its defaults',
      request: creates(granted, { requester: { ...alice, username: 'system:apiserver' } }),
    },
    {
      name: 'a change of labels',
      request: updates(granted, tweaked(granted, { metadata: { labels: { team: 'audit' } } })),
    },
    {
      name: 'a subject taken away',
      request: updates(tweaked(granted, { subjects: [auditors, carol] }), granted),
    },
    {
      name: 'the same subject spelled with its defaults left out',
      request: updates(granted, tweaked(granted, { subjects: [{ kind: 'Group', name: 'auditors' }] })),
    },
    {
      name: 'our own role for our own account',
      request: creates(
        tweaked(minimalClusterRoleBinding, { roleRef: { name: 'sallyport-webhook' }, subjects: [ours] }),
      ),
    },
  ],
  deny: [
    {
      name: 'cluster-admin for a person',
      request: creates(tweaked(minimalClusterRoleBinding, { ...toAdmin, subjects: [carol] })),
      findings: [
        {
          path: '/subjects',
          subject: 'ClusterRole "cluster-admin"',
          found: 'granted in every namespace to user "carol", approved by nobody else',
        },
      ],
      fixed: inNamespace,
    },
    {
      name: 'a harmless role as well: what it holds may change',
      request: creates(granted),
      findings: [
        {
          path: '/subjects',
          subject: 'ClusterRole "view"',
          found: 'granted in every namespace to group "auditors", approved by nobody else',
        },
      ],
      fixed: inNamespace,
    },
    {
      name: 'an account beside those already there, and names only it',
      request: updates(granted, tweaked(granted, { subjects: [auditors, robot] })),
      findings: [
        {
          path: '/subjects',
          subject: 'ClusterRole "view"',
          found: 'granted in every namespace to service account "ci/robot", approved by nobody else',
        },
      ],
      fixed: updates(granted, granted),
    },
    {
      name: 'a justification written into an annotation by the author',
      request: creates(tweaked(granted, { metadata: { annotations: { 'sallyport.dev/justification': 'because' } } })),
      findings: [
        {
          path: '/subjects',
          subject: 'ClusterRole "view"',
          found: 'granted in every namespace to group "auditors", approved by nobody else',
        },
      ],
      fixed: inNamespace,
    },
    {
      name: 'the mark of a default binding put on by hand',
      request: creates(tweaked(granted, { metadata: { labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } } })),
      findings: [
        {
          path: '/subjects',
          subject: 'ClusterRole "view"',
          found: 'granted in every namespace to group "auditors", approved by nobody else',
        },
      ],
      fixed: inNamespace,
    },
    {
      name: 'our own account for a role that is not ours',
      request: creates(tweaked(minimalClusterRoleBinding, { ...toAdmin, subjects: [ours] })),
      findings: [
        {
          path: '/subjects',
          subject: 'ClusterRole "cluster-admin"',
          found:
            'granted in every namespace to service account "sallyport-system/sallyport-webhook", approved by nobody else',
        },
      ],
      fixed: inNamespace,
    },
    {
      name: 'many subjects, and names three',
      request: creates(tweaked(granted, { subjects: [auditors, carol, robot, ours, { kind: 'User', name: 'dave' }] })),
      findings: [
        {
          path: '/subjects',
          subject: 'ClusterRole "view"',
          found:
            'granted in every namespace to group "auditors", user "carol", service account "ci/robot" and 2 more, approved by nobody else',
        },
      ],
      fixed: inNamespace,
    },
  ],
};
