import { account, alice, minimalPod, policySettings, tweaked } from '../../test/builders/judgement.ts';
import { graphOf, group, type Holding, rule, serviceAccount, user } from '../../test/builders/rbac.ts';
import type { PodAllowCase, PodDenyCase, PodRuleCases } from '../../test/builders/rule-cases.ts';
import { workloadCeiling } from './workload-ceiling.ts';

/** The account of the minimal pod may list Secrets of its namespace. */
const powerful: Holding = {
  subject: serviceAccount('payments', 'web'),
  namespace: 'payments',
  rules: [rule('list', 'secrets')],
};
const powerless = tweaked(minimalPod, { spec: { serviceAccountName: 'plain' } });
const path = '/spec/serviceAccountName';
const subject = 'account "web"';
const unlimited = { ...alice, groups: ['system:masters', 'system:authenticated'] };

function passes(
  name: string,
  holdings: readonly Holding[],
  rest: PodAllowCase extends infer C ? Partial<C> : never = {},
): PodAllowCase {
  return { name, pod: minimalPod, facts: { rbac: graphOf(...holdings) }, ...rest };
}

function refuses(name: string, found: string, ...holdings: readonly Holding[]): PodDenyCase {
  return {
    name,
    pod: minimalPod,
    facts: { rbac: graphOf(...holdings) },
    findings: [{ path, subject, found: `${found}; you may not` }],
    fixed: powerless,
  };
}

const replicaSet = { kind: 'ReplicaSet', apiVersion: 'apps/v1', name: 'web-1', uid: 'rs-1', object: {} };
const owned = tweaked(minimalPod, {
  metadata: {
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'rs-1', controller: true }],
  },
});

export const workloadCeilingCases: PodRuleCases = {
  rule: workloadCeiling,
  allow: [
    passes('an account without any power', []),
    passes('a deployer who may do the same', [
      powerful,
      { subject: user('alice'), namespace: 'payments', rules: [rule('get list', 'secrets')] },
    ]),
    passes('a deployer who may do it through a group', [
      powerful,
      { subject: group('team-a'), namespace: 'payments', rules: [rule('*', '*')] },
    ]),
    passes('a deployer who may do it in the whole cluster', [
      powerful,
      { subject: user('alice'), namespace: '', rules: [rule('list', 'secrets')] },
    ]),
    passes('a deployer to whom the account was delegated by the verb use', [
      powerful,
      {
        subject: user('alice'),
        namespace: 'payments',
        rules: [{ ...rule('use', 'serviceaccounts'), resourceNames: ['web'] }],
      },
    ]),
    passes('a deployer who may impersonate the account', [
      powerful,
      { subject: user('alice'), namespace: 'payments', rules: [rule('impersonate', 'serviceaccounts')] },
    ]),
    passes('what every account may do from the start', [
      {
        subject: group('system:serviceaccounts'),
        namespace: '',
        name: 'system:service-account-issuer-discovery',
        labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
        rules: [{ verbs: ['get'], nonResourceURLs: ['/openid/v1/jwks'] }],
      },
    ]),
    passes('a member of system:masters', [powerful], { only: 'pods', rest: { requester: unlimited } }),
    {
      name: 'a member of a break-glass group',
      pod: minimalPod,
      facts: { rbac: graphOf(powerful), settings: { ...policySettings, breakGlassGroups: ['team-a'] } },
    },
    {
      name: 'AR-27 a pod that a built-in controller makes for a live owner, which was judged itself',
      pod: owned,
      only: 'pods',
      rest: { requester: account('kube-system', 'replicaset-controller') },
      facts: { rbac: graphOf(powerful), liveOwner: replicaSet, ownerChain: [replicaSet] },
    },
    {
      name: 'a change that leaves code and account as they were',
      pod: tweaked(minimalPod, { metadata: { labels: { release: '2' } } }),
      only: 'pods',
      rest: { operation: 'UPDATE', oldObject: minimalPod },
      facts: { rbac: graphOf(powerful) },
    },
  ],
  deny: [
    refuses(
      'an account that may list Secrets, which its deployer may not',
      'may list secrets in namespace payments',
      powerful,
    ),
    refuses('an account bound in another namespace', 'may get, list secrets in namespace vault', {
      subject: serviceAccount('payments', 'web'),
      namespace: 'vault',
      rules: [rule('get list', 'secrets')],
    }),
    {
      name: 'an account that gets its power through the group of its namespace',
      pod: minimalPod,
      only: 'pods',
      facts: {
        rbac: graphOf({
          subject: group('system:serviceaccounts:payments'),
          namespace: '',
          rules: [rule('delete', 'deployments', 'apps')],
        }),
      },
      findings: [{ path, subject, found: 'may delete deployments of apps in the whole cluster; you may not' }],
      fixed: tweaked(minimalPod, { metadata: { namespace: 'quiet' } }),
    },
    refuses('an account named as a user', 'may list secrets in namespace payments', {
      subject: user('system:serviceaccount:payments:web'),
      namespace: 'payments',
      rules: [rule('list', 'secrets')],
    }),
    refuses('a deployer who may do it elsewhere only', 'may list secrets in namespace payments', powerful, {
      subject: user('alice'),
      namespace: 'shop',
      rules: [rule('*', '*')],
    }),
    refuses(
      'a deployer who may make tokens for the account, which is no grant of its power',
      'may list secrets in namespace payments',
      powerful,
      { subject: user('alice'), namespace: 'payments', rules: [rule('create', 'serviceaccounts/token')] },
    ),
    refuses('a grant that only bears the label of a default', 'may get /metrics', {
      subject: serviceAccount('payments', 'web'),
      namespace: '',
      name: 'my-own',
      labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
      rules: [{ verbs: ['get'], nonResourceURLs: ['/metrics'] }],
    }),
    {
      name: 'AR-27 an owner reference by somebody who is no controller',
      pod: owned,
      only: 'pods',
      rest: {},
      facts: { rbac: graphOf(powerful), liveOwner: replicaSet, ownerChain: [replicaSet] },
      findings: [{ path, subject, found: 'may list secrets in namespace payments; you may not' }],
      fixed: tweaked(owned, { spec: { serviceAccountName: 'plain' } }),
    },
    {
      name: 'AR-32 the deprecated member serviceAccount',
      pod: tweaked(minimalPod, { spec: { serviceAccountName: undefined, serviceAccount: 'web' } }),
      facts: { rbac: graphOf(powerful) },
      findings: [{ path, subject, found: 'may list secrets in namespace payments; you may not' }],
      fixed: powerless,
    },
    {
      name: 'another image under an account beyond whoever changes it',
      pod: tweaked(minimalPod, { spec: { containers: [{ name: 'web', image: 'registry.example/web:2' }] } }),
      only: 'pods',
      rest: { operation: 'UPDATE', oldObject: minimalPod },
      facts: { rbac: graphOf(powerful) },
      findings: [{ path, subject, found: 'may list secrets in namespace payments; you may not' }],
      fixed: powerless,
    },
    {
      name: 'an account bound to a role that does not exist',
      pod: minimalPod,
      facts: {
        rbac: graphOf({ subject: serviceAccount('payments', 'web'), namespace: '', name: 'later', rules: undefined }),
      },
      findings: [
        {
          path,
          subject,
          found: 'bound to "ClusterRole/later", which does not exist, so that nobody can say what it will grant',
          cap: 'warn',
        },
      ],
      fixed: powerless,
    },
  ],
};
