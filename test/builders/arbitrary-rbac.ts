import fc from 'fast-check';
import type { JsonObject, Requester } from '../../webhook/admission/request.ts';
import type { RbacObjects } from '../../webhook/ceiling/rbac-graph.ts';
import { textAt } from '../../webhook/policy/json-access.ts';

/*
 * Small random clusters: few names, so that bindings meet roles, people and accounts meet bindings, and rules meet rules.
 */

export const namespaces = ['payments', 'shop', 'vault'] as const;
export const groups = ['', 'apps', 'example.dev'] as const;
export const resources = ['pods', 'pods/log', 'deployments', 'deployments/scale', 'serviceaccounts'] as const;
export const verbs = ['get', 'list', 'create', 'use', 'impersonate'] as const;
export const names = ['web', 'db'] as const;
export const urls = ['/api', '/api/v1', '/metrics', '/metrics/cadvisor'] as const;

const some = (from: readonly string[], most: number): fc.Arbitrary<readonly string[]> =>
  fc.uniqueArray(fc.constantFrom(...from), { minLength: 0, maxLength: most });

/** A rule with any mixture of wildcards, subresource patterns, names and paths; also such as grant nothing. */
export function arbitraryRule(): fc.Arbitrary<JsonObject> {
  const onResources = fc.record({
    apiGroups: some([...groups, '*'], 2),
    resources: some([...resources, '*', '*/scale', 'pods/*', '*/*'], 3),
    verbs: some([...verbs, '*', 'GET'], 3),
    resourceNames: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, some(names, 2)),
  });
  const onPaths = fc.record({
    nonResourceURLs: some([...urls, '*', '/*', '/metrics/*', '/metrics**', '/api/*'], 2),
    verbs: some([...verbs, '*'], 2),
  });
  return fc.oneof(
    { weight: 4, arbitrary: onResources },
    { weight: 1, arbitrary: onPaths },
    { weight: 1, arbitrary: fc.tuple(onResources, onPaths).map(([one, other]) => ({ ...other, ...one })) },
  );
}

/** People and accounts that subjects may name. */
export function arbitraryRequester(): fc.Arbitrary<Requester> {
  const people = fc.record({ username: fc.constantFrom('alice', 'bob'), groups: some(['team-a', 'team-b'], 2) });
  const accounts = fc.tuple(fc.constantFrom(...namespaces), fc.constantFrom(...names)).map(([namespace, name]) => ({
    username: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
  }));
  return fc
    .oneof(people, accounts)
    .map(({ username, groups: own }) => ({ username, uid: '', groups: [...own, 'system:authenticated'], extra: {} }));
}

export function arbitraryAccount(): fc.Arbitrary<{ readonly namespace: string; readonly name: string }> {
  return fc.record({ namespace: fc.constantFrom(...namespaces), name: fc.constantFrom(...names) });
}

function arbitrarySubject(): fc.Arbitrary<JsonObject> {
  const account = arbitraryAccount().map(({ namespace, name }) => ({ kind: 'ServiceAccount', namespace, name }));
  const homeless = fc.constantFrom(...names).map((name) => ({ kind: 'ServiceAccount', name }));
  const user = fc
    .constantFrom('alice', 'bob', 'system:serviceaccount:shop:web', 'system:serviceaccount:payments:db')
    .map((name) => ({ kind: 'User', name }));
  const group = fc
    .constantFrom('team-a', 'team-b', 'system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated')
    .map((name) => ({ kind: 'Group', name }));
  return fc.oneof(account, homeless, user, group);
}

const roleNames = ['one', 'two', 'three'] as const;

/** A binding to a role that may or may not exist, in a namespace or, with the empty one, in the cluster. */
export function arbitraryBinding(): fc.Arbitrary<JsonObject> {
  return fc
    .record({
      namespace: fc.constantFrom('', ...namespaces),
      role: fc.constantFrom(...roleNames, 'missing'),
      isClusterRole: fc.boolean(),
      subjects: fc.array(arbitrarySubject(), { maxLength: 3 }),
    })
    .map(({ namespace, role, isClusterRole, subjects }) => ({
      metadata: { name: `bind-${role}`, ...(namespace === '' ? {} : { namespace }) },
      roleRef: { kind: namespace === '' || isClusterRole ? 'ClusterRole' : 'Role', name: role },
      subjects,
    }));
}

/** A whole cluster. */
export function arbitraryCluster(): fc.Arbitrary<RbacObjects> {
  const rules = fc.array(arbitraryRule(), { maxLength: 3 });
  return fc
    .record({
      clusterRoles: fc.tuple(rules, rules, rules),
      roles: fc.tuple(rules, rules, rules),
      bindings: fc.array(arbitraryBinding(), { maxLength: 8 }),
    })
    .map(({ clusterRoles, roles, bindings }) => ({
      clusterRoles: clusterRoles.map((each, index) => role(each, '', index)),
      roles: namespaces.flatMap((namespace) => roles.map((each, index) => role(each, namespace, index))),
      clusterRoleBindings: bindings.filter((binding) => namespaceOf(binding) === undefined),
      roleBindings: bindings.filter((binding) => namespaceOf(binding) !== undefined),
    }));
}

function role(rules: readonly JsonObject[], namespace: string, index: number): JsonObject {
  return { metadata: { name: roleNames[index] ?? '', ...(namespace === '' ? {} : { namespace }) }, rules };
}

const namespaceOf = (object: JsonObject): string | undefined => textAt(object, 'metadata', 'namespace');
