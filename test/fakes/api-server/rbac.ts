import { type JsonObject, objectsAt, textAt, textsAt } from './json.ts';
import { accountOf, type User } from './user.ts';

/** One rule of a role; absent lists are empty. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** What is to be allowed: one verb on a resource (`subresource`, `namespace`, `name` may be empty) or on a path. */
export type Attributes =
  | {
      readonly kind: 'resource';
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly kind: 'path'; readonly verb: string; readonly path: string };

/** The four kinds, read from the store at each question: what was written last counts. */
export interface RbacObjects {
  clusterRoles(): readonly JsonObject[];
  clusterRole(name: string): JsonObject | undefined;
  role(namespace: string, name: string): JsonObject | undefined;
  clusterRoleBindings(): readonly JsonObject[];
  roleBindings(namespace: string): readonly JsonObject[];
}

/** RBAC: what nothing allows is forbidden. Group `system:masters` passes everything. */
export function isAllowed(objects: RbacObjects, user: User, attributes: Attributes): boolean {
  if (user.groups.includes('system:masters')) {
    return true;
  }
  const namespace = attributes.kind === 'resource' ? attributes.namespace : '';
  return rulesOf(objects, user, namespace).some((rule) => ruleAllows(rule, attributes));
}

/** All rules the user holds in a namespace, those of the whole cluster among them; an empty namespace gives these alone. */
export function rulesOf(objects: RbacObjects, user: User, namespace: string): readonly PolicyRule[] {
  const ofCluster = objects
    .clusterRoleBindings()
    .filter((binding) => binds(binding, user, ''))
    .flatMap((binding) => rolesRules(objects, binding, ''));
  if (namespace === '') {
    return ofCluster;
  }
  const ofNamespace = objects
    .roleBindings(namespace)
    .filter((binding) => binds(binding, user, namespace))
    .flatMap((binding) => rolesRules(objects, binding, namespace));
  return [...ofCluster, ...ofNamespace];
}

/** The rules of a Role or ClusterRole object. */
export function rulesIn(role: JsonObject | undefined): readonly PolicyRule[] {
  return objectsAt(role, 'rules').map((rule) => ({
    verbs: textsAt(rule, 'verbs'),
    apiGroups: textsAt(rule, 'apiGroups'),
    resources: textsAt(rule, 'resources'),
    resourceNames: textsAt(rule, 'resourceNames'),
    nonResourceURLs: textsAt(rule, 'nonResourceURLs'),
  }));
}

/** The rules of the role a binding refers to; none when it does not exist. */
export function rolesRules(objects: RbacObjects, binding: JsonObject, namespace: string): readonly PolicyRule[] {
  const name = textAt(binding, 'roleRef', 'name');
  return rulesIn(
    textAt(binding, 'roleRef', 'kind') === 'ClusterRole' ? objects.clusterRole(name) : objects.role(namespace, name),
  );
}

/** Does this one rule allow it? */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!includesOrAll(rule.verbs, attributes.verb)) {
    return false;
  }
  if (attributes.kind === 'path') {
    return rule.nonResourceURLs.some((pattern) => urlMatches(pattern, attributes.path));
  }
  return (
    includesOrAll(rule.apiGroups, attributes.group) &&
    resourceMatches(rule.resources, attributes.resource, attributes.subresource) &&
    (rule.resourceNames.length === 0 || rule.resourceNames.includes(attributes.name))
  );
}

function resourceMatches(resources: readonly string[], resource: string, subresource: string): boolean {
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  return resources.some(
    (allowed) => allowed === '*' || allowed === full || (subresource !== '' && allowed === `*/${subresource}`),
  );
}

/** Exact, or by prefix once all trailing stars are taken off a pattern that ends in one. */
export function urlMatches(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')));
}

function includesOrAll(allowed: readonly string[], value: string): boolean {
  return allowed.includes('*') || allowed.includes(value);
}

function binds(binding: JsonObject, user: User, namespace: string): boolean {
  return objectsAt(binding, 'subjects').some((subject) => {
    const name = textAt(subject, 'name');
    switch (textAt(subject, 'kind')) {
      case 'User':
        return name === user.username;
      case 'Group':
        return user.groups.includes(name);
      case 'ServiceAccount': {
        const account = accountOf(user.username);
        const home = textAt(subject, 'namespace') === '' ? namespace : textAt(subject, 'namespace');
        return account !== undefined && account.name === name && account.namespace === home;
      }
      default:
        return false;
    }
  });
}
