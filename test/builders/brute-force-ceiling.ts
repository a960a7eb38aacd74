import type { Requester } from '../../webhook/admission/request.ts';
import type { Account } from '../../webhook/ceiling/account.ts';
import type { RbacObjects } from '../../webhook/ceiling/rbac-graph.ts';
import { uncovered } from '../fakes/api-server/escalation.ts';
import { textAt } from '../fakes/api-server/json.ts';
import { type Attributes, isAllowed, type RbacObjects as RbacView, rulesOf } from '../fakes/api-server/rbac.ts';
import type { User } from '../fakes/api-server/user.ts';
import { groups, names, namespaces, resources, urls, verbs } from './arbitrary-rbac.ts';

/*
 * The ceiling once more, without index, memory or cleverness: every scope asked for all its rules, every atom compared with all rules, by the embedded API server's
 * code, which shares nothing with the ceiling.
 */

/** Whether the account is within its deployer's ceiling. */
export function isWithinByBruteForce(objects: RbacObjects, account: Account, requester: Requester): boolean {
  const view = viewOf(objects);
  const [servant, owner] = [userOf(account), asUser(requester)];
  return (
    isDelegated(view, account, owner) ||
    ['', ...namespaces].every((namespace) => {
      const ofNamespace = viewOf({
        ...objects,
        clusterRoleBindings: namespace === '' ? objects.clusterRoleBindings : [],
      });
      return uncovered(rulesOf(view, owner, namespace), rulesOf(ofNamespace, servant, namespace)).length === 0;
    })
  );
}

/** A request that the account may make and the deployer may not, of all that this small world knows; undefined when there is none. */
export function requestBeyond(objects: RbacObjects, account: Account, requester: Requester): Attributes | undefined {
  const view = viewOf(objects);
  const [servant, owner] = [userOf(account), asUser(requester)];
  return everyRequest.find((request) => isAllowed(view, servant, request) && !isAllowed(view, owner, request));
}

function isDelegated(view: RbacView, { namespace, name }: Account, owner: User): boolean {
  return ['use', 'impersonate'].some((verb) =>
    isAllowed(view, owner, {
      kind: 'resource',
      verb,
      group: '',
      resource: 'serviceaccounts',
      subresource: '',
      namespace,
      name,
    }),
  );
}

const everyRequest: readonly Attributes[] = verbs.flatMap((verb) => [
  ...urls.map((path) => ({ kind: 'path' as const, verb, path })),
  ...groups.flatMap((group) =>
    resources.flatMap((full) =>
      ['', ...namespaces].flatMap((namespace) =>
        ['', ...names].map((name) => {
          const [resource = '', subresource = ''] = full.split('/');
          return { kind: 'resource' as const, verb, group, resource, subresource, namespace, name };
        }),
      ),
    ),
  ),
]);

function viewOf({ roles, roleBindings, clusterRoles, clusterRoleBindings }: RbacObjects): RbacView {
  const nameOf = (object: (typeof roles)[number]) => textAt(object, 'metadata', 'name');
  const homeOf = (object: (typeof roles)[number]) => textAt(object, 'metadata', 'namespace');
  return {
    clusterRoles: () => clusterRoles,
    clusterRole: (name) => clusterRoles.find((role) => nameOf(role) === name),
    role: (namespace, name) => roles.find((role) => nameOf(role) === name && homeOf(role) === namespace),
    clusterRoleBindings: () => clusterRoleBindings,
    roleBindings: (namespace) => roleBindings.filter((binding) => homeOf(binding) === namespace),
  };
}

function userOf({ namespace, name }: Account): User {
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    uid: '',
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: {},
  };
}

function asUser({ username, uid, groups: own }: Requester): User {
  return { username, uid, groups: [...own], extra: {} };
}
