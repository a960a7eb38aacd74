import type { JsonObject, Requester } from '../../webhook/admission/request.ts';
import { judgeCeiling } from '../../webhook/ceiling/ceiling.ts';
import { buildRbacGraph, type RbacGraph, type RbacObjects } from '../../webhook/ceiling/rbac-graph.ts';
import { type Figure, medianOf, quantile } from './figure.ts';

const size = 10_000;
const namespaces = 200;
const deployerRoles = 100;
const builds = 5;
const judgements = 2_000;
const goalMs = 5;
const bindingGroup = 'rbac.authorization.k8s.io';

/**
 * May an account do more than its deployer, where there are 10,000 roles and 10,000 bindings? The deployer holds about 1,000 rules, through a group in one
 * namespace and in the whole cluster; accounts take turns, so do deployers who have asked before and some who have not.
 */
export function benchCeiling(): Promise<readonly Figure[]> {
  const objects = town();
  const buildMs = Array.from({ length: builds }, () => timed(() => buildRbacGraph(objects)));
  const graph = buildRbacGraph(objects);
  const first = Array.from({ length: judgements }, (_, turn) => timed(() => judge(graph, turn, `stranger-${turn}`)));
  const again = Array.from({ length: judgements }, (_, turn) => timed(() => judge(graph, turn, 'alice')));
  return Promise.resolve([
    { name: 'ceiling: graph of 10,000 roles and 10,000 bindings', unit: 'ms', ...medianOf(buildMs) },
    ...figures('deployer not seen before', first),
    ...figures('deployer seen before', again),
  ]);
}

function figures(who: string, samples: readonly number[]): readonly Figure[] {
  const p99 = quantile(samples, 0.99);
  return [
    { name: `ceiling: ${who}, p50`, unit: 'ms', value: quantile(samples, 0.5) },
    { name: `ceiling: ${who}, p99`, unit: 'ms', value: p99, goal: `<= ${goalMs} ms`, met: p99 <= goalMs },
  ];
}

function timed(work: () => unknown): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

function judge(graph: RbacGraph, turn: number, username: string): void {
  const namespace = `ns-${turn % namespaces}`;
  const requester: Requester = { username, uid: '', groups: ['deployers', 'system:authenticated'], extra: {} };
  const account = { namespace, name: `account-${turn % size}` };
  const answer = judgeCeiling({ graph, account, requester, unlimitedGroups: [] });
  if (answer.kind === 'within' && answer.because !== 'covered') {
    throw new Error(`the account was to be compared, not passed as ${answer.because}`);
  }
}

/** Half of the roles are a namespace's; accounts are bound in their own namespace, and every tenth in the whole cluster. */
function town(): RbacObjects {
  const indexes = Array.from({ length: size }, (_, index) => index);
  const [roles, clusterRoles] = [indexes.slice(0, size / 2), indexes.slice(size / 2)];
  const isClusterWide = (index: number): boolean => index % 10 === 0 || index >= size - deployerRoles;
  return {
    roles: roles.map((index) => ({
      metadata: { name: `role-${index}`, namespace: `ns-${index % namespaces}` },
      rules: rules(index),
    })),
    clusterRoles: clusterRoles.map((index) => ({ metadata: { name: `role-${index}` }, rules: rules(index) })),
    roleBindings: indexes
      .filter((index) => !isClusterWide(index))
      .map((index) => binding(index, `ns-${index % namespaces}`)),
    clusterRoleBindings: indexes.filter(isClusterWide).map((index) => binding(index, '')),
  };
}

/** The last hundred ClusterRoles are the deployers'. */
function binding(index: number, namespace: string): JsonObject {
  const isRole = index < size / 2 && namespace !== '';
  const role = index < size / 2 && !isRole ? index + size / 2 : index;
  const account = { kind: 'ServiceAccount', namespace: `ns-${index % namespaces}`, name: `account-${index}` };
  const group = { apiGroup: bindingGroup, kind: 'Group', name: 'deployers' };
  return {
    metadata: { name: `binding-${index}`, ...(namespace === '' ? {} : { namespace }) },
    roleRef: { apiGroup: bindingGroup, kind: isRole ? 'Role' : 'ClusterRole', name: `role-${role}` },
    subjects: index >= size - deployerRoles ? [account, group] : [account],
  };
}

/** Ten rules a role, of three resources and four verbs each: 120 atoms, as an operator's role has. */
function rules(index: number): readonly JsonObject[] {
  return Array.from({ length: 10 }, (_, rule) => ({
    apiGroups: [`group-${(index + rule) % 50}.example`],
    resources: [0, 1, 2].map((resource) => `things-${(index + rule * 7 + resource) % 300}`),
    verbs: ['get', 'list', 'watch', 'patch'],
  }));
}
