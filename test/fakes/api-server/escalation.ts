import { type JsonObject, objectAt, textAt } from './json.ts';
import {
  type Attributes,
  isAllowed,
  type PolicyRule,
  type RbacObjects,
  rolesRules,
  rulesIn,
  rulesOf,
  urlMatches,
} from './rbac.ts';
import type { Resource } from './resources.ts';
import { forbidden } from './status.ts';
import type { User } from './user.ts';

/**
 * The check on writes of roles and bindings: nobody grants what they do not hold, unless by the verb `escalate` on the role or `bind` on the role
 * that is bound. Throws the 403 of the real server.
 */
export function checkEscalation(objects: RbacObjects, user: User, resource: Resource, object: JsonObject): void {
  const namespace = textAt(object, 'metadata', 'namespace');
  const granted = grantedRules(objects, resource, object);
  if (granted === undefined || isAllowed(objects, user, excuse(resource, object))) {
    return;
  }
  const missing = uncovered(rulesOf(objects, user, namespace), granted);
  if (missing.length > 0) {
    throw forbidden(resource, textAt(object, 'metadata', 'name'), escalationText(user, missing));
  }
}

/** The atoms of `servant` that no single rule of `owner` covers. */
export function uncovered(owner: readonly PolicyRule[], servant: readonly PolicyRule[]): readonly PolicyRule[] {
  return servant.flatMap(atomsOf).filter((atom) => !owner.some((rule) => ruleCovers(rule, atom)));
}

function grantedRules(objects: RbacObjects, resource: Resource, object: JsonObject): readonly PolicyRule[] | undefined {
  switch (resource.plural) {
    case 'roles':
      return rulesIn(object);
    case 'clusterroles':
      return [...rulesIn(object), ...(isAggregated(object) ? [everything] : [])];
    case 'rolebindings':
    case 'clusterrolebindings':
      return rolesRules(objects, object, textAt(object, 'metadata', 'namespace'));
    default:
      return undefined;
  }
}

/** Whoever writes an aggregation rule gets whatever is ever labelled for it, so it takes everything. */
const everything: PolicyRule = {
  verbs: ['*'],
  apiGroups: ['*'],
  resources: ['*'],
  resourceNames: [],
  nonResourceURLs: [],
};

function isAggregated(object: JsonObject): boolean {
  return Object.keys(objectAt(object, 'aggregationRule')).length > 0;
}

function excuse(resource: Resource, object: JsonObject): Attributes {
  const isBinding = resource.plural.endsWith('bindings');
  const bound = textAt(object, 'roleRef', 'kind') === 'ClusterRole' ? 'clusterroles' : 'roles';
  return {
    kind: 'resource',
    verb: isBinding ? 'bind' : 'escalate',
    group: resource.group,
    resource: isBinding ? bound : resource.plural,
    subresource: '',
    namespace: textAt(object, 'metadata', 'namespace'),
    name: isBinding ? textAt(object, 'roleRef', 'name') : textAt(object, 'metadata', 'name'),
  };
}

function atomsOf(rule: PolicyRule): readonly PolicyRule[] {
  const names = rule.resourceNames.length === 0 ? [[]] : rule.resourceNames.map((name) => [name]);
  const empty: PolicyRule = { verbs: [], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [] };
  return rule.verbs.flatMap((verb) => [
    ...rule.apiGroups.flatMap((group) =>
      rule.resources.flatMap((resource) =>
        names.map((resourceNames) => ({
          ...empty,
          verbs: [verb],
          apiGroups: [group],
          resources: [resource],
          resourceNames,
        })),
      ),
    ),
    ...rule.nonResourceURLs.map((url) => ({ ...empty, verbs: [verb], nonResourceURLs: [url] })),
  ]);
}

function ruleCovers(owner: PolicyRule, atom: PolicyRule): boolean {
  const all = (mine: readonly string[], theirs: readonly string[]): boolean =>
    mine.includes('*') || theirs.every((value) => mine.includes(value));
  return (
    all(owner.verbs, atom.verbs) &&
    all(owner.apiGroups, atom.apiGroups) &&
    atom.resources.every((resource) => coversResource(owner.resources, resource)) &&
    coversNames(owner.resourceNames, atom.resourceNames) &&
    atom.nonResourceURLs.every((url) => owner.nonResourceURLs.some((pattern) => urlMatches(pattern, url)))
  );
}

function coversResource(owner: readonly string[], resource: string): boolean {
  const subresource = resource.split('/')[1];
  return (
    owner.includes('*') || owner.includes(resource) || (subresource !== undefined && owner.includes(`*/${subresource}`))
  );
}

function coversNames(owner: readonly string[], names: readonly string[]): boolean {
  return owner.length === 0 || (names.length > 0 && names.every((name) => owner.includes(name)));
}

function escalationText(user: User, missing: readonly PolicyRule[]): string {
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ');
  return `user ${JSON.stringify(user.username)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${missing.map(printRule).join('\n')}`;
}

function printRule(rule: PolicyRule): string {
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['ResourceNames', rule.resourceNames],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['Verbs', rule.verbs],
  ];
  const printed = parts
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => `${name}:[${values.map((value) => JSON.stringify(value)).join(' ')}]`);
  return `{${printed.join(', ')}}`;
}
