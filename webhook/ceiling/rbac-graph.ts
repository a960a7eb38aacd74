import type { JsonObject } from '../admission/request.ts';
import { roleRefOf, subjectsOf } from '../policy/grant.ts';
import { memberAt, textAt } from '../policy/json-access.ts';
import { accountOfUsername } from './account.ts';
import { indexRules, type RuleIndex } from './covers.ts';
import { type PolicyRule, parsePolicyRules } from './policy-rule.ts';

/** The four RBAC kinds, as the API server stores them. */
export interface RbacObjects {
  readonly roles: readonly JsonObject[];
  readonly roleBindings: readonly JsonObject[];
  readonly clusterRoles: readonly JsonObject[];
  readonly clusterRoleBindings: readonly JsonObject[];
}

/** What one binding gives a subject. `namespace` is empty for the whole cluster. */
export interface Grant {
  readonly namespace: string;
  /** Read when somebody asks: most roles of a cluster are never looked at. Undefined: the role does not exist (yet). */
  readonly rules: RulesReader | undefined;
  /** `ClusterRole/view`, for a person. */
  readonly role: string;
  /** One of the API server's own defaults, which everybody has. */
  readonly isFloor: boolean;
}

type RulesReader = () => readonly PolicyRule[];

/** Who holds which grants: by subject key (`userKey`, `groupKey`, `accountKey`). Never changed once built; a change makes a new graph. */
export interface RbacGraph {
  readonly grants: ReadonlyMap<string, readonly Grant[]>;
  readonly objectCount: number;
  /** The rules of some of its grants, ready to be compared with; made once for each set of roles, however many people hold it. */
  indexOf(grants: readonly Grant[]): RuleIndex;
}

export const userKey = (name: string): string => `U|${name}`;
export const groupKey = (name: string): string => `G|${name}`;
export const accountKey = (namespace: string, name: string): string => `S|${namespace}/${name}`;

/** The default ClusterRoles that every account, or everybody, has from the start (Kubernetes docs, "Using RBAC", default roles). */
const floorRoles: ReadonlySet<string> = new Set([
  'system:discovery',
  'system:basic-user',
  'system:public-info-viewer',
  'system:service-account-issuer-discovery',
]);

/** Indexes bindings by subject. Materialised rules of aggregated ClusterRoles are used as they stand. */
export function buildRbacGraph(objects: RbacObjects): RbacGraph {
  return rbacGraphBuilder()(objects);
}

/** What a binding says by itself, whatever roles there are. */
interface ParsedBinding {
  readonly namespace: string;
  readonly roleKey: string;
  readonly role: string;
  readonly isFloor: boolean;
  readonly subjectKeys: readonly string[];
}

/**
 * As `buildRbacGraph`, for one who builds again and again: what was read from an object is kept as long as that very object is (watch caches replace an object when
 * it changes and never alter one), so that one change among 20,000 objects costs no reading of the others.
 */
export function rbacGraphBuilder(): (objects: RbacObjects) => RbacGraph {
  const readers = new WeakMap<JsonObject, RulesReader>();
  const parsed = new WeakMap<JsonObject, ParsedBinding | 'nothing'>();
  return ({ roles, roleBindings, clusterRoles, clusterRoleBindings }) => {
    const rules = new Map<string, RulesReader>();
    for (const role of clusterRoles) {
      rules.set(roleKey('ClusterRole', '', nameOf(role)), kept(readers, role, rulesReader));
    }
    for (const role of roles) {
      rules.set(roleKey('Role', namespaceOf(role), nameOf(role)), kept(readers, role, rulesReader));
    }
    const grants = new Map<string, Grant[]>();
    for (const binding of [...clusterRoleBindings, ...roleBindings]) {
      const one = kept(parsed, binding, parseBinding);
      if (one !== 'nothing') {
        addGrant(one, rules, grants);
      }
    }
    const objectCount = roles.length + roleBindings.length + clusterRoles.length + clusterRoleBindings.length;
    return { grants, objectCount, indexOf: indexOnce() };
  };
}

/** Sets of roles that are remembered; a cluster has a few hundred, one per team and kind of namespace. */
const mostIndexes = 2_000;

/** By the roles that are granted, not by who grants them where: one role bound in a thousand namespaces is one index. */
function indexOnce(): RbacGraph['indexOf'] {
  const numbers = new Map<RulesReader, number>();
  const known = new Map<string, RuleIndex>();
  const numberOf = (rules: RulesReader): number => {
    const number = numbers.get(rules) ?? numbers.size;
    numbers.set(rules, number);
    return number;
  };
  return (grants) => {
    const readers = grants.flatMap(({ rules }) => rules ?? []);
    const key = readers.map(numberOf).join(',');
    const found = known.get(key);
    if (found !== undefined) {
      return found;
    }
    if (known.size >= mostIndexes) {
      known.clear();
    }
    const index = indexRules(readers.flatMap((rules) => rules()));
    known.set(key, index);
    return index;
  };
}

function kept<T>(known: WeakMap<JsonObject, T>, object: JsonObject, read: (object: JsonObject) => T): T {
  const found = known.get(object);
  if (found !== undefined) {
    return found;
  }
  const made = read(object);
  known.set(object, made);
  return made;
}

function rulesReader(role: JsonObject): RulesReader {
  let rules: readonly PolicyRule[] | undefined;
  return () => (rules ??= parsePolicyRules(memberAt(role, 'rules')));
}

function parseBinding(binding: JsonObject): ParsedBinding | 'nothing' {
  const reference = roleRefOf(binding);
  if (reference === undefined) {
    return 'nothing';
  }
  const namespace = namespaceOf(binding);
  const keys = subjectsOf(binding, namespace).flatMap(
    ({ kind, name, namespace: home }) => keyOfSubject(kind, name, home) ?? [],
  );
  return {
    namespace,
    roleKey: roleKey(reference.kind, reference.kind === 'Role' ? namespace : '', reference.name),
    role: `${reference.kind}/${reference.name}`,
    isFloor: namespace === '' && isDefaultBinding(binding, reference.name),
    subjectKeys: [...new Set(keys)],
  };
}

function addGrant(binding: ParsedBinding, rules: ReadonlyMap<string, RulesReader>, grants: Map<string, Grant[]>): void {
  const { namespace, role, isFloor, subjectKeys } = binding;
  const grant: Grant = { namespace, role, isFloor, rules: rules.get(binding.roleKey) };
  for (const key of subjectKeys) {
    const known = grants.get(key);
    if (known === undefined) {
      grants.set(key, [grant]);
    } else {
      known.push(grant);
    }
  }
}

/** A label alone can be written by anybody: name and role must be the default's too. */
function isDefaultBinding(binding: JsonObject, role: string): boolean {
  const isMarked = textAt(binding, 'metadata', 'labels', 'kubernetes.io/bootstrapping') === 'rbac-defaults';
  return isMarked && nameOf(binding) === role && floorRoles.has(role);
}

function keyOfSubject(kind: string, name: string, namespace: string): string | undefined {
  switch (kind) {
    case 'ServiceAccount':
      return accountKey(namespace, name);
    case 'Group':
      return groupKey(name);
    case 'User':
      return keyOfUser(name);
    default:
      return undefined;
  }
}

/** The key of a username: one that spells a service account is that account. */
export function keyOfUser(username: string): string {
  const account = accountOfUsername(username);
  return account === undefined ? userKey(username) : accountKey(account.namespace, account.name);
}

const roleKey = (kind: string, namespace: string, name: string): string => `${kind}|${namespace}|${name}`;
const nameOf = (object: JsonObject): string => textAt(object, 'metadata', 'name') ?? '';
const namespaceOf = (object: JsonObject): string => textAt(object, 'metadata', 'namespace') ?? '';
