import type { JsonObject } from '../../webhook/admission/request.ts';
import { buildRbacGraph, type RbacGraph } from '../../webhook/ceiling/rbac-graph.ts';

/*
 * Small RBAC graphs, written as sentences.
 */

/** A rule as it stands in a role. */
export interface RuleText {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** Who holds which rules, where: `namespace` empty is the whole cluster. */
export interface Holding {
  readonly subject: JsonObject;
  readonly namespace: string;
  /** Undefined: the role that is bound does not exist. */
  readonly rules: readonly RuleText[] | undefined;
  /** Name of the role and its binding; numbered when absent. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export const user = (name: string): JsonObject => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name });
export const group = (name: string): JsonObject => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name });
export const serviceAccount = (namespace: string, name: string): JsonObject => ({
  kind: 'ServiceAccount',
  namespace,
  name,
});
export const rule = (verbs: string, resources: string, apiGroup = ''): RuleText => ({
  apiGroups: [apiGroup],
  resources: resources.split(' '),
  verbs: verbs.split(' '),
});

/** The graph in which these holdings are all there is. */
export function graphOf(...holdings: readonly Holding[]): RbacGraph {
  const roles: JsonObject[] = [];
  const roleBindings: JsonObject[] = [];
  const clusterRoles: JsonObject[] = [];
  const clusterRoleBindings: JsonObject[] = [];
  holdings.forEach(({ subject, namespace, rules, name = '', labels = {} }, index) => {
    const isCluster = namespace === '';
    const called = name === '' ? `role-${index}` : name;
    const metadata = { name: called, labels, ...(isCluster ? {} : { namespace }) };
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: isCluster ? 'ClusterRole' : 'Role', name: called };
    (isCluster ? clusterRoleBindings : roleBindings).push({ metadata, roleRef, subjects: [subject] });
    if (rules !== undefined) {
      (isCluster ? clusterRoles : roles).push({ metadata, rules: rules.map((entry) => ({ ...entry })) });
    }
  });
  return buildRbacGraph({ roles, roleBindings, clusterRoles, clusterRoleBindings });
}
