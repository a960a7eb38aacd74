import type { Tweak } from '../../test/builders/judgement.ts';
import { account, alice, bob, creates, minimalExemption, tweaked, updates } from '../../test/builders/judgement.ts';
import type { ObjectDenyCase, ObjectRuleCases } from '../../test/builders/rule-cases.ts';
import type { JsonObject, Requester } from '../admission/request.ts';
import { exemptionApproval } from './exemption-approval.ts';

const approval = { decision: 'approved', by: 'bob', byUid: '', at: '2027-01-01T12:00:00Z', generation: 1 };

function asks(spec: Tweak) {
  return creates(tweaked(minimalExemption, { spec }));
}

function decides(by: Requester, change: Tweak, object: JsonObject = minimalExemption) {
  return updates(
    object,
    tweaked(object, { status: { approval: { ...approval, by: by.username, byUid: by.uid, ...change } } }),
    {
      subResource: 'status',
      requester: by,
    },
  );
}

function refusesToAsk(name: string, spec: Tweak, path: string, subject: string, found: string): ObjectDenyCase {
  return { name, request: asks(spec), findings: [{ path, subject, found }], fixed: creates(minimalExemption) };
}

function refusesToDecide(
  name: string,
  request: ObjectDenyCase['request'],
  member: string,
  found: string,
): ObjectDenyCase {
  return {
    name,
    request,
    findings: [{ path: `/status/approval/${member}`, subject: `status.approval.${member}`, found }],
    fixed: decides(bob, {}),
  };
}

const oneScope = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRoleBinding', name: 'auditors' };
const grantTo = (...subjects: readonly JsonObject[]) =>
  tweaked(minimalExemption, {
    spec: { scope: [{ ...oneScope, grant: { roleRef: { kind: 'ClusterRole', name: 'view' }, subjects } }] },
  });
const withUid = tweaked(minimalExemption, { spec: { requestedBy: { username: 'alice', uid: 'u-1' } } });

export const exemptionApprovalCases: ObjectRuleCases = {
  rule: exemptionApproval,
  allow: [
    { name: 'a request that names one object, with an end', request: creates(minimalExemption) },
    { name: 'an approval by a second person', request: decides(bob, {}) },
    { name: 'the requester who revokes', request: decides(alice, { decision: 'revoked' }) },
    { name: 'the requester who rejects', request: decides(alice, { decision: 'rejected' }) },
    {
      name: 'a change of labels by anybody',
      request: updates(minimalExemption, tweaked(minimalExemption, { metadata: { labels: { a: 'b' } } }), {
        requester: bob,
      }),
    },
    {
      name: 'our account that counts its use',
      request: updates(minimalExemption, tweaked(minimalExemption, { status: { use: { count: 1 } } }), {
        subResource: 'status',
        requester: account('sallyport-system', 'sallyport-webhook'),
      }),
    },
  ],
  deny: [
    refusesToDecide('an approval by whoever asked', decides(alice, {}), 'decision', 'approved by whoever asked for it'),
    refusesToDecide(
      'the same person under another name',
      decides({ ...bob, uid: 'u-1' }, {}, withUid),
      'decision',
      'approved by whoever asked for it',
    ),
    refusesToDecide(
      'an approval of another generation',
      decides(bob, { generation: 2 }),
      'generation',
      'not the generation that the exemption has now',
    ),
    refusesToDecide(
      'an approval by a program',
      decides(account('ci', 'robot'), {}),
      'decision',
      'approved by a program, not by a person',
    ),
    refusesToDecide(
      'an approval by a subject of the grant',
      decides(bob, {}, grantTo({ kind: 'User', name: 'bob' })),
      'decision',
      'approved by whoever gains from it',
    ),
    refusesToDecide(
      'an approval by a member of the group that gains',
      decides(bob, {}, grantTo({ kind: 'Group', name: 'team-b' })),
      'decision',
      'approved by whoever gains from it',
    ),
    refusesToDecide(
      'an approval after its end',
      decides(bob, {}, tweaked(minimalExemption, { spec: { expiresAt: '2026-12-31T00:00:00Z' } })),
      'decision',
      'approved after its end',
    ),
    refusesToDecide(
      'an approver written by the client',
      decides(bob, { by: 'carol' }),
      'by',
      'by, byUid and at are written by the webhook',
    ),
    refusesToDecide(
      'an exemption that nobody is known to have asked for',
      decides(bob, {}, tweaked(minimalExemption, { spec: { requestedBy: undefined } })),
      'decision',
      'nobody knows who asked for it',
    ),
    {
      name: 'use counted by a client',
      request: updates(minimalExemption, tweaked(minimalExemption, { status: { use: { count: 0 } } }), {
        subResource: 'status',
        requester: bob,
      }),
      findings: [{ path: '/status/use', subject: 'status.use', found: 'kept by the webhook alone' }],
      fixed: decides(bob, {}),
    },
    refusesToAsk(
      'a wildcard in its scope',
      { scope: [{ ...oneScope, name: 'audit*', digest: `sha256:${'0'.repeat(64)}` }] },
      '/spec/scope/0/name',
      'spec.scope.0.name',
      'names one thing exactly: no * in it',
    ),
    refusesToAsk(
      'an end that is too far off',
      { expiresAt: '2027-06-01T00:00:00Z' },
      '/spec/expiresAt',
      'spec.expiresAt',
      'more than 90 days ahead',
    ),
    refusesToAsk(
      'an end without a zone',
      { expiresAt: '2027-01-15T12:00:00' },
      '/spec/expiresAt',
      'spec.expiresAt',
      'a time with its zone, such as 2027-01-31T12:00:00Z',
    ),
    refusesToAsk(
      'an end that is past',
      { expiresAt: '2026-01-15T12:00:00Z' },
      '/spec/expiresAt',
      'spec.expiresAt',
      'already past',
    ),
    refusesToAsk(
      'more than 30 days of cluster-admin',
      {
        expiresAt: '2027-02-15T12:00:00Z',
        scope: [
          {
            ...oneScope,
            grant: {
              roleRef: { kind: 'ClusterRole', name: 'cluster-admin' },
              subjects: [{ kind: 'User', name: 'carol' }],
            },
          },
        ],
      },
      '/spec/expiresAt',
      'spec.expiresAt',
      'more than 30 days ahead',
    ),
    refusesToAsk(
      'a rule that nothing lifts',
      { rules: ['reserved-name'] },
      '/spec/rules/0',
      'spec.rules[0]',
      'no exemption lifts reserved-name',
    ),
    refusesToAsk(
      'a rule that does not exist',
      { rules: ['no-such-rule'] },
      '/spec/rules/0',
      'spec.rules[0]',
      'no rule is called no-such-rule',
    ),
    refusesToAsk(
      'a grant that its approver would not see',
      { scope: [oneScope] },
      '/spec/scope/0',
      'spec.scope[0]',
      'a rule about authorization needs a grant or a digest, so that its approver sees what is granted',
    ),
    refusesToAsk(
      'a whole Secret instead of its keys',
      {
        rules: ['static-credential-secret'],
        scope: [{ apiGroup: '', kind: 'Secret', namespace: 'payments', name: 'web' }],
      },
      '/spec/scope/0',
      'spec.scope[0]',
      'a rule about content needs the keys that it covers',
    ),
    refusesToAsk(
      'mitigation without a control',
      { category: 'mitigated' },
      '/spec/compensatingControl',
      'spec.compensatingControl',
      'missing, although the category is mitigated',
    ),
    refusesToAsk(
      'a requester written by the client',
      { requestedBy: { username: 'carol', uid: '' } },
      '/spec/requestedBy',
      'spec.requestedBy',
      'not who sent this request; the webhook writes it',
    ),
    {
      name: 'a requester rewritten without a change of what is asked',
      request: updates(
        minimalExemption,
        tweaked(minimalExemption, { spec: { requestedBy: { username: 'carol', uid: '' } } }),
      ),
      findings: [
        {
          path: '/spec/requestedBy',
          subject: 'spec.requestedBy',
          found: 'not who sent this request; the webhook writes it',
        },
      ],
      fixed: creates(minimalExemption),
    },
  ],
};
