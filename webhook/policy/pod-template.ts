import type { AdmissionRequest, JsonObject } from '../admission/request.ts';
import { pointer } from './finding.ts';
import { objectAt, textAt } from './json-access.ts';
import type { PodSubject } from './rule.ts';

/** Where each kind keeps its pod: `Kind.group` (`Kind` of the core group) -> the members that lead to it. */
const podPaths: ReadonlyMap<string, readonly string[]> = new Map([
  ['Pod', []],
  ['PodTemplate', ['template']],
  ['ReplicationController', ['spec', 'template']],
  ['Deployment.apps', ['spec', 'template']],
  ['ReplicaSet.apps', ['spec', 'template']],
  ['StatefulSet.apps', ['spec', 'template']],
  ['DaemonSet.apps', ['spec', 'template']],
  ['Job.batch', ['spec', 'template']],
  ['CronJob.batch', ['spec', 'jobTemplate', 'spec', 'template']],
]);

/** Subresources that carry the whole object (AR-24); any other, such as `status` or `scale`, changes no pod. */
const wholeSubResources: ReadonlyMap<string, readonly string[]> = new Map([['Pod', ['ephemeralcontainers', 'resize']]]);

/** `Deployment.apps`, or `Pod` in the core group. Versions are left out: all served ones are judged alike. */
export function kindKey(kind: { readonly group: string; readonly kind: string }): string {
  return kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
}

/** Kinds that hold a pod, Pod itself first. For tests and documentation. */
export const podKinds: readonly string[] = [...podPaths.keys()];

/** The members that lead from an object of this kind to its pod; undefined for kinds that hold none. */
export function podPathOf(kind: { readonly group: string; readonly kind: string }): readonly string[] | undefined {
  return podPaths.get(kindKey(kind));
}

/**
 * The pod that a request writes, wherever its kind keeps it; undefined when it writes none (another kind, a subresource without a pod, DELETE, CONNECT).
 */
export function podSubjectOf(request: AdmissionRequest): PodSubject | undefined {
  const path = podPathOf(request.kind);
  const isWhole =
    request.subResource === '' || wholeSubResources.get(kindKey(request.kind))?.includes(request.subResource) === true;
  const pod = request.object === null ? undefined : objectAt(request.object, ...(path ?? []));
  if (path === undefined || !isWhole || pod === undefined) {
    return undefined;
  }
  const oldPod = request.oldObject === null ? undefined : objectAt(request.oldObject, ...path);
  return { pod, oldPod: oldPod ?? null, base: pointer('', ...path), isTemplate: path.length > 0, request };
}

/**
 * AR-26: the kubelet's record of a static pod: marked as mirror *and* written by the node that the pod names. It cannot be refused without blinding the API to
 * what runs anyway. The mark alone, from anybody else, means nothing.
 */
export function isMirrorPod(request: AdmissionRequest): boolean {
  const object: JsonObject | null = request.object ?? request.oldObject;
  if (kindKey(request.kind) !== 'Pod' || object === null) {
    return false;
  }
  const node = textAt(object, 'spec', 'nodeName') ?? '';
  const mark = textAt(object, 'metadata', 'annotations', 'kubernetes.io/config.mirror');
  return mark !== undefined && node !== '' && request.requester.username === `system:node:${node}`;
}
