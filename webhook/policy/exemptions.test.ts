import { describe, expect, it } from 'vitest';
import { type Exemption, readExemption } from '../../manifests/resources/exemption.ts';
import {
  account,
  alice,
  base64,
  bob,
  creates,
  minimalClusterRoleBinding,
  minimalExemption,
  minimalPod,
  minimalSecret,
  now,
  ruleContext,
  type Tweak,
  tweaked,
} from '../../test/builders/judgement.ts';
import { graphOf, rule, serviceAccount } from '../../test/builders/rbac.ts';
import type { AdmissionRequest, JsonObject } from '../admission/request.ts';
import { clusterRoleBindingJustification } from '../rules/cluster-role-binding-justification.ts';
import { credentialInEnv } from '../rules/credential-in-env.ts';
import { reservedName } from '../rules/reserved-name.ts';
import { staticCredentialSecret } from '../rules/static-credential-secret.ts';
import { workloadCeiling } from '../rules/workload-ceiling.ts';
import { digestOfObject } from './bound-digest.ts';
import type { Facts, LiveOwner } from './context.ts';
import { findingsOf } from './evaluate.ts';
import { isValidNow, validExemptionFor, whyNotValid } from './exemptions.ts';
import type { Rule } from './rule.ts';

const approved = {
  approval: { decision: 'approved', by: 'bob', byUid: '', at: '2027-01-01T11:00:00Z', generation: 1 },
};

function exemption(change: Tweak = {}): Exemption {
  const parsed = readExemption(tweaked(tweaked(minimalExemption, { status: approved }), change));
  if (parsed === undefined) {
    throw new TypeError('the exemption of this test is malformed');
  }
  return parsed;
}

function liftedBy(
  rule: Rule,
  request: AdmissionRequest,
  exemptions: readonly Exemption[],
  facts: Partial<Facts> = {},
): string | undefined {
  const context = ruleContext({ ...facts, exemptions });
  const [finding] = findingsOf(rule, request, context);
  expect(finding).toBeDefined();
  return finding === undefined ? undefined : validExemptionFor(finding, request, context)?.metadata.name;
}

const auditors = { kind: 'Group', name: 'auditors', apiGroup: 'rbac.authorization.k8s.io' };
const binding = tweaked(minimalClusterRoleBinding, { subjects: [auditors] });
const justification = clusterRoleBindingJustification;

describe('an exemption is valid', () => {
  it('when a second person approved what it is now, until it ends', () => {
    expect(isValidNow(exemption(), now)).toBe(true);
  });

  it.each([
    ['not-approved', { status: undefined }],
    ['not-approved', { status: { approval: { decision: 'revoked' } } }],
    ['edited-since-approval', { metadata: { generation: 2 } }],
    ['edited-since-approval', { status: { approval: { generation: undefined } } }],
    ['requester-unknown', { spec: { requestedBy: undefined } }],
    ['requester-unknown', { spec: { requestedBy: { username: '' } } }],
    ['approver-unknown', { status: { approval: { by: undefined } } }],
    ['approver-unknown', { status: { approval: { by: '' } } }],
    ['self-approved', { status: { approval: { by: 'alice' } } }],
    ['self-approved', { spec: { requestedBy: { uid: 'u-1' } }, status: { approval: { byUid: 'u-1' } } }],
    ['expired', { spec: { expiresAt: '2027-01-01T12:00:00Z' } }],
  ] as const)('never when %s', (reason, change) => {
    expect(whyNotValid(exemption(change), now)).toBe(reason);
  });

  it('although both uids are empty, which says nothing about who they are', () => {
    expect(
      isValidNow(exemption({ spec: { requestedBy: { uid: '' } }, status: { approval: { byUid: '' } } }), now),
    ).toBe(true);
  });

  it('until the very moment it ends', () => {
    const ending = exemption({ spec: { expiresAt: '2027-01-01T12:00:00.001Z' } });
    expect([isValidNow(ending, now), isValidNow(ending, new Date(now.getTime() + 1))]).toEqual([true, false]);
  });
});

describe('an exemption lifts', () => {
  it('the grant that its approver read', () => {
    expect(liftedBy(justification, creates(binding), [exemption()])).toBe('auditors-view');
  });

  it.each([
    ['another role', tweaked(binding, { roleRef: { name: 'edit' } })],
    ['one subject more', tweaked(binding, { subjects: [auditors, { kind: 'User', name: 'carol' }] })],
    ['another kind of subject', tweaked(binding, { subjects: [{ kind: 'User', name: 'auditors' }] })],
    ['another name', tweaked(binding, { metadata: { name: 'auditors2' } })],
  ])('not %s', (_, object) => {
    expect(liftedBy(justification, creates(object), [exemption()])).toBeUndefined();
  });

  it('fewer subjects than it names', () => {
    const wide = exemption({
      spec: {
        scope: [
          grantTo('ClusterRole', [
            { kind: 'User', name: 'carol' },
            { kind: 'Group', name: 'auditors' },
          ]),
        ],
      },
    });
    expect(liftedBy(justification, creates(binding), [wide])).toBe('auditors-view');
  });

  it('not an account of that name in another namespace', () => {
    const robot = (namespace: string) => ({ kind: 'ServiceAccount', namespace, name: 'robot' });
    const forRobot = exemption({ spec: { scope: [grantTo('ClusterRole', [robot('ci')])] } });
    const boundTo = (namespace: string) => creates(tweaked(binding, { subjects: [robot(namespace)] }));
    expect(liftedBy(justification, boundTo('ci'), [forRobot])).toBe('auditors-view');
    expect(liftedBy(justification, boundTo('shop'), [forRobot])).toBeUndefined();
  });

  it('not by two halves', () => {
    const both = tweaked(binding, { subjects: [auditors, { kind: 'User', name: 'carol' }] });
    const half = exemption({ spec: { scope: [grantTo('ClusterRole', [{ kind: 'User', name: 'carol' }])] } });
    expect(liftedBy(justification, creates(both), [exemption(), half])).toBeUndefined();
  });

  it('exactly the content of its digest', () => {
    const digest = digestOfObject({ group: 'rbac.authorization.k8s.io', kind: 'ClusterRoleBinding' }, binding) ?? '';
    const bound = exemption({ spec: { scope: [{ ...named(), digest }] } });
    expect(liftedBy(justification, creates(binding), [bound])).toBe('auditors-view');
    expect(
      liftedBy(justification, creates(tweaked(binding, { subjects: [auditors, auditors] })), [bound]),
    ).toBeUndefined();
  });

  it('no grant without a grant or digest in it', () => {
    expect(liftedBy(justification, creates(binding), [exemption({ spec: { scope: [named()] } })])).toBeUndefined();
  });

  it('no other rule', () => {
    expect(
      liftedBy(justification, creates(binding), [exemption({ spec: { rules: ['wildcard-role'] } })]),
    ).toBeUndefined();
  });

  it('nothing for its own approver', () => {
    const served = tweaked(binding, { subjects: [{ kind: 'User', name: 'bob' }] });
    const selfish = exemption({ spec: { scope: [grantTo('ClusterRole', [{ kind: 'User', name: 'bob' }])] } });
    expect(liftedBy(justification, creates(served), [selfish])).toBeUndefined();
  });

  it('the same with one that lasts longest, of several', () => {
    const longer = exemption({ metadata: { name: 'longer' }, spec: { expiresAt: '2027-01-20T12:00:00Z' } });
    expect(liftedBy(justification, creates(binding), [exemption(), longer, exemption()])).toBe('longer');
  });

  it('never a rule that cannot be lifted', () => {
    const pod = tweaked(minimalPod, { spec: { volumes: [{ name: 'sallyport-x' }] } });
    const scope = [{ apiGroup: '', kind: 'Pod', namespace: 'payments', name: 'web' }];
    expect(
      liftedBy(reservedName, creates(pod), [exemption({ spec: { rules: ['reserved-name'], scope } })]),
    ).toBeUndefined();
  });
});

describe('an exemption by keys', () => {
  const secret = tweaked(minimalSecret, { data: { password: base64('correct-horse') } });
  const forKeys = (...keys: readonly string[]) =>
    exemption({
      spec: {
        rules: ['static-credential-secret'],
        scope: [
          { apiGroup: '', kind: 'Secret', namespace: 'payments', name: 'web', ...(keys.length > 0 ? { keys } : {}) },
        ],
      },
    });

  it('lifts the keys it names', () => {
    expect(liftedBy(staticCredentialSecret, creates(secret), [forKeys('password')])).toBe('auditors-view');
  });

  it('lifts no other key, and none without keys', () => {
    expect(liftedBy(staticCredentialSecret, creates(secret), [forKeys('token')])).toBeUndefined();
    expect(liftedBy(staticCredentialSecret, creates(secret), [forKeys()])).toBeUndefined();
  });

  it('lifts nothing in another namespace', () => {
    const elsewhere = tweaked(secret, { metadata: { namespace: 'other' } });
    expect(liftedBy(staticCredentialSecret, creates(elsewhere), [forKeys('password')])).toBeUndefined();
  });
});

describe('an exemption for a workload', () => {
  const container = { name: 'web', env: [{ name: 'DB_PASSWORD', value: 'correct-horse' }] };
  const controlled = (kind: string, name: string): JsonObject => ({
    metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: `${name}-uid`, controller: true }] },
  });
  const pod = tweaked(tweaked(minimalPod, controlled('ReplicaSet', 'web-1')), { spec: { containers: [container] } });
  const owner = (kind: string, name: string, object: JsonObject): LiveOwner => ({
    kind,
    apiVersion: 'apps/v1',
    name,
    uid: `${name}-uid`,
    object,
  });
  const template = { metadata: {}, spec: { serviceAccountName: 'web', containers: [container] } };
  const deployment = owner('Deployment', 'web', { spec: { template } });
  const replicaSet = owner('ReplicaSet', 'web-1', tweaked(controlled('Deployment', 'web'), { spec: { template } }));
  const facts = { liveOwner: replicaSet, ownerChain: [replicaSet, deployment] };
  const forDeployment = (...keys: readonly string[]) =>
    exemption({
      spec: {
        rules: ['credential-in-env'],
        scope: [
          {
            apiGroup: 'apps',
            kind: 'Deployment',
            namespace: 'payments',
            name: 'web',
            ...(keys.length > 0 ? { keys } : {}),
          },
        ],
      },
    });
  const byController = { requester: account('kube-system', 'replicaset-controller') };

  it('covers the pods that its controllers make', () => {
    expect(liftedBy(credentialInEnv, creates(pod, byController), [forDeployment()], facts)).toBe('auditors-view');
  });

  it('covers only the variables it names', () => {
    expect(liftedBy(credentialInEnv, creates(pod, byController), [forDeployment('web/DB_PASSWORD')], facts)).toBe(
      'auditors-view',
    );
    expect(liftedBy(credentialInEnv, creates(pod, byController), [forDeployment('web/OTHER')], facts)).toBeUndefined();
  });

  it('binds the template that a pod was made from, not what the workload has become', () => {
    const moved = owner('Deployment', 'web', { spec: { template: tweaked(template, { spec: { hostPID: true } }) } });
    const chain = { liveOwner: replicaSet, ownerChain: [replicaSet, moved] };
    const bound = (digest: string | undefined) =>
      exemption({
        spec: {
          rules: ['credential-in-env'],
          scope: [{ apiGroup: 'apps', kind: 'Deployment', namespace: 'payments', name: 'web', digest: digest ?? '' }],
        },
      });
    const kind = { group: 'apps', kind: 'Deployment' };
    const used = bound(digestOfObject(kind, { spec: { template } }));
    const current = bound(digestOfObject(kind, moved.object));
    expect(liftedBy(credentialInEnv, creates(pod, byController), [used], chain)).toBe('auditors-view');
    expect(liftedBy(credentialInEnv, creates(pod, byController), [current], chain)).toBeUndefined();
  });

  it('AR-27 does not cover the pods of a ReplicaSet that only claims the workload: without a digest it must hold its template', () => {
    const own = tweaked(template, { spec: { containers: [{ ...container, image: 'registry.example/mallory:1' }] } });
    const forged = { ...replicaSet, object: tweaked(replicaSet.object, { spec: { template: own } }) };
    const chain = { liveOwner: forged, ownerChain: [forged, deployment] };
    expect(liftedBy(credentialInEnv, creates(pod, byController), [forDeployment()], chain)).toBeUndefined();
  });

  it('AR-27 does not cover a pod of somebody who only claims the owner', () => {
    expect(liftedBy(credentialInEnv, creates(pod, { requester: alice }), [forDeployment()], facts)).toBeUndefined();
    expect(liftedBy(credentialInEnv, creates(pod, { requester: bob }), [forDeployment()], facts)).toBeUndefined();
  });
});

describe('an exemption from a ceiling', () => {
  const rbac = graphOf({
    subject: serviceAccount('payments', 'web'),
    namespace: 'payments',
    rules: [rule('get list', 'secrets')],
  });
  const forPod = (scope: JsonObject, requester = 'alice') =>
    exemption({
      spec: {
        rules: ['workload-ceiling'],
        scope: [{ apiGroup: '', kind: 'Pod', namespace: 'payments', name: 'web', ...scope }],
        requestedBy: { username: requester },
      },
    });
  const secrets = (...verbs: readonly string[]) => ({
    grant: { rules: [{ apiGroups: [''], resources: ['secrets'], verbs }] },
  });
  const lifted = (by: Exemption, rest: Partial<AdmissionRequest> = {}) =>
    liftedBy(workloadCeiling, creates(minimalPod, rest), [by], { rbac });

  it('covers what its rules cover, and nothing more', () => {
    expect(lifted(forPod(secrets('get', 'list', 'watch')))).toBe('auditors-view');
    expect(lifted(forPod(secrets('*')))).toBe('auditors-view');
    expect(lifted(forPod(secrets('get')))).toBeUndefined();
  });

  it('covers exactly the template of its digest', () => {
    const digest = (pod: JsonObject) => digestOfObject({ group: '', kind: 'Pod' }, pod) ?? '';
    const other = tweaked(minimalPod, { spec: { hostPID: true } });
    expect(lifted(forPod({ digest: digest(minimalPod) }))).toBe('auditors-view');
    expect(lifted(forPod({ digest: digest(other) }))).toBeUndefined();
  });

  it('needs one of the two', () => {
    expect(lifted(forPod({}))).toBeUndefined();
  });

  it('does not serve its approver, who is whoever writes the object', () => {
    const selfless = forPod(secrets('get', 'list'), 'carol');
    expect(lifted(selfless, { requester: bob })).toBeUndefined();
    expect(lifted(selfless, { requester: alice })).toBe('auditors-view');
  });
});

function named(): JsonObject {
  return { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRoleBinding', name: 'auditors' };
}

function grantTo(kind: string, subjects: readonly JsonObject[]): JsonObject {
  return { ...named(), grant: { roleRef: { kind, name: 'view' }, subjects } };
}
