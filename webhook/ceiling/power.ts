import type { Requester } from '../admission/request.ts';
import type { Account } from './account.ts';
import type { PolicyRule } from './policy-rule.ts';
import { accountKey, type Grant, groupKey, keyOfUser, type RbacGraph } from './rbac-graph.ts';

/** What somebody may do: rules by namespace, those of the whole cluster under the empty name. */
export interface Power {
  readonly rules: ReadonlyMap<string, readonly PolicyRule[]>;
  /** Roles that are bound to them and do not exist: whoever creates one later grants it. */
  readonly unknownRoles: readonly string[];
}

/** The power of a service account beyond what all have (the floor): in every namespace where a binding names it or its groups. */
export function powerOfAccount(graph: RbacGraph, { namespace, name }: Account): Power {
  const keys = [
    accountKey(namespace, name),
    groupKey('system:serviceaccounts'),
    groupKey(`system:serviceaccounts:${namespace}`),
    groupKey('system:authenticated'),
  ];
  return powerOf(grantsOf(graph, keys).filter(({ isFloor }) => !isFloor));
}

/** What whoever made a request was granted, by namespace, as the API server authenticated them. */
export function grantsOfRequester(
  graph: RbacGraph,
  { username, groups }: Pick<Requester, 'username' | 'groups'>,
): ReadonlyMap<string, readonly Grant[]> {
  return Map.groupBy(grantsOf(graph, [keyOfUser(username), ...groups.map(groupKey)]), ({ namespace }) => namespace);
}

function grantsOf(graph: RbacGraph, keys: readonly string[]): readonly Grant[] {
  return [...new Set(keys)].flatMap((key) => graph.grants.get(key) ?? []);
}

function powerOf(grants: readonly Grant[]): Power {
  const rules = new Map<string, PolicyRule[]>();
  for (const { namespace, rules: granted } of grants) {
    const known = rules.get(namespace) ?? [];
    known.push(...(granted?.() ?? []));
    rules.set(namespace, known);
  }
  const unknown = grants.filter((grant) => grant.rules === undefined).map(({ role }) => role);
  return { rules, unknownRoles: [...new Set(unknown)].sort() };
}
