import { describe, expect, it } from 'vitest';
import { account, alice, creates, minimalPod, tweaked } from '../../test/builders/judgement.ts';
import type { JsonObject, Requester } from '../admission/request.ts';
import type { LiveOwner } from '../policy/context.ts';
import { whoDeployed } from './who-deployed.ts';

const shared: Requester = { ...alice, username: 'system:kube-controller-manager' };

/** The table of `who-deployed.ts`, written out once more: who writes what, for whom. */
const table = [
  ['deployment-controller', 'apps/v1', 'ReplicaSet', 'apps/v1', 'Deployment'],
  ['cronjob-controller', 'batch/v1', 'Job', 'batch/v1', 'CronJob'],
  ['replicaset-controller', 'v1', 'Pod', 'apps/v1', 'ReplicaSet'],
  ['replication-controller', 'v1', 'Pod', 'v1', 'ReplicationController'],
  ['statefulset-controller', 'v1', 'Pod', 'apps/v1', 'StatefulSet'],
  ['daemon-set-controller', 'v1', 'Pod', 'apps/v1', 'DaemonSet'],
  ['job-controller', 'v1', 'Pod', 'batch/v1', 'Job'],
] as const;

const controllers = [...new Set(table.map(([controller]) => controller))];

function owner(apiVersion: string, kind: string): LiveOwner {
  return { apiVersion, kind, name: 'web', uid: 'uid-1', object: {} };
}

/** An object that names `live` as its controller, unless told otherwise. */
function owned(apiVersion: string, kind: string, live: LiveOwner, reference: JsonObject = {}): JsonObject {
  const { apiVersion: ownerVersion, kind: ownerKind, name, uid } = live;
  return tweaked(minimalPod, {
    apiVersion,
    kind,
    metadata: {
      ownerReferences: [{ apiVersion: ownerVersion, kind: ownerKind, name, uid, controller: true, ...reference }],
    },
  });
}

function judge(object: JsonObject, requester: Requester, liveOwner: LiveOwner | undefined): string {
  return whoDeployed(creates(object, { requester }), { liveOwner }).kind;
}

const replicaSet = owner('apps/v1', 'ReplicaSet');
const pod = owned('v1', 'Pod', replicaSet);
const controller = account('kube-system', 'replicaset-controller');

describe('who deployed', () => {
  it.each(table)('AR-27 %s writes %s %s for a live %s %s', (name, version, kind, ownerVersion, ownerKind) => {
    const live = owner(ownerVersion, ownerKind);
    const object = owned(version, kind, live);
    expect(judge(object, account('kube-system', name), live)).toBe('judged-at-owner');
    expect(judge(object, shared, live)).toBe('judged-at-owner');
  });

  it.each(controllers)('AR-27 %s is the deployer of everything that is not its own', (name) => {
    for (const [other, version, kind, ownerVersion, ownerKind] of table) {
      const live = owner(ownerVersion, ownerKind);
      const expected = other === name ? 'judged-at-owner' : 'requester';
      expect(judge(owned(version, kind, live), account('kube-system', name), live)).toBe(expected);
    }
  });

  it('gives the owner that was judged', () => {
    const answer = whoDeployed(creates(pod, { requester: controller }), { liveOwner: replicaSet });
    expect(answer).toEqual({ kind: 'judged-at-owner', owner: replicaSet });
  });

  it.each([
    ['somebody else', pod, alice, replicaSet],
    ['an account of that name elsewhere', pod, account('shop', 'replicaset-controller'), replicaSet],
    ['a user whose name only begins so', pod, { ...alice, username: `${controller.username}:x` }, replicaSet],
    ['nobody’s pod', minimalPod, controller, replicaSet],
    ['an owner that does not live', pod, controller, undefined],
    ['another uid', owned('v1', 'Pod', replicaSet, { uid: 'uid-2' }), controller, replicaSet],
    ['another kind', owned('v1', 'Pod', replicaSet, { kind: 'Deployment' }), controller, replicaSet],
    ['another name', owned('v1', 'Pod', replicaSet, { name: 'db' }), controller, replicaSet],
    ['an owner that does not control', owned('v1', 'Pod', replicaSet, { controller: false }), controller, replicaSet],
    ['control as text', owned('v1', 'Pod', replicaSet, { controller: 'true' }), controller, replicaSet],
    ['a kind of another group', owned('v1', 'Pod', replicaSet), controller, owner('example.dev/v1', 'ReplicaSet')],
    [
      'the shared name for a pair that is in no row',
      owned('v1', 'Pod', owner('apps/v1', 'Deployment')),
      shared,
      owner('apps/v1', 'Deployment'),
    ],
  ])('AR-27 judges the requester for %s', (_what, object, requester, live) => {
    expect(judge(object, requester, live)).toBe('requester');
  });
});
