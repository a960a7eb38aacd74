import type { AdmissionRequest } from '../admission/request.ts';
import type { Facts, LiveOwner } from '../policy/context.ts';
import { isJsonObject, listAt, memberAt, textAt } from '../policy/json-access.ts';
import { kindKey } from '../policy/pod-template.ts';

/** Whose power a write is measured by. */
export type Deployer =
  | { readonly kind: 'requester' }
  /** A built-in controller wrote it for a live owner: it was judged when the owner was written. */
  | { readonly kind: 'judged-at-owner'; readonly owner: LiveOwner };

/** What each built-in controller writes, and for which kind of owner. */
const controllers: ReadonlyMap<string, { readonly writes: string; readonly owner: string }> = new Map([
  ['deployment-controller', { writes: 'ReplicaSet.apps', owner: 'Deployment.apps' }],
  ['cronjob-controller', { writes: 'Job.batch', owner: 'CronJob.batch' }],
  ['replicaset-controller', { writes: 'Pod', owner: 'ReplicaSet.apps' }],
  ['replication-controller', { writes: 'Pod', owner: 'ReplicationController' }],
  ['statefulset-controller', { writes: 'Pod', owner: 'StatefulSet.apps' }],
  ['daemon-set-controller', { writes: 'Pod', owner: 'DaemonSet.apps' }],
  ['job-controller', { writes: 'Pod', owner: 'Job.batch' }],
]);

/** Where controllers share one set of credentials. */
const sharedController = 'system:kube-controller-manager';
const accountPrefix = 'system:serviceaccount:kube-system:';

/**
 * A write by a built-in controller counts as its owner's if the requester *is* that controller and the owner it names as controller lives with that uid (AR-27).
 * Anything else is its requester's: an invented owner reference gains nothing.
 */
export function whoDeployed(request: AdmissionRequest, facts: Pick<Facts, 'liveOwner'>): Deployer {
  const { liveOwner } = facts;
  const isOwned = liveOwner !== undefined && namesAsController(request, liveOwner) && mayWriteFor(request, liveOwner);
  return isOwned ? { kind: 'judged-at-owner', owner: liveOwner } : { kind: 'requester' };
}

function mayWriteFor(request: AdmissionRequest, owner: LiveOwner): boolean {
  const { username } = request.requester;
  const written = kindKey(request.kind);
  const ownerKind = kindKey({ group: groupOf(owner.apiVersion), kind: owner.kind });
  if (username === sharedController) {
    return [...controllers.values()].some((one) => one.writes === written && one.owner === ownerKind);
  }
  const controller = username.startsWith(accountPrefix)
    ? controllers.get(username.slice(accountPrefix.length))
    : undefined;
  return controller?.writes === written && controller.owner === ownerKind;
}

function namesAsController(request: AdmissionRequest, owner: LiveOwner): boolean {
  return listAt(request.object ?? undefined, 'metadata', 'ownerReferences').some(
    (reference) =>
      isJsonObject(reference) &&
      memberAt(reference, 'controller') === true &&
      textAt(reference, 'uid') === owner.uid &&
      textAt(reference, 'kind') === owner.kind &&
      textAt(reference, 'name') === owner.name,
  );
}

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');
