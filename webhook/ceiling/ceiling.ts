import type { Requester } from '../admission/request.ts';
import type { Account } from './account.ts';
import { type Atom, atomCount, atomsOf } from './atoms.ts';
import { compact } from './compact.ts';
import { covered, type RuleIndex, uncoveredAtoms } from './covers.ts';
import type { PolicyRule } from './policy-rule.ts';
import { grantsOfRequester, type Power, powerOfAccount } from './power.ts';
import type { RbacGraph } from './rbac-graph.ts';

/** What an account may do in one scope that the deployer may not; `namespace` is empty for the whole cluster. */
export interface Excess {
  readonly namespace: string;
  readonly rules: readonly PolicyRule[];
}

/**
 * Whether an account may do more than whoever deploys with it.
 *
 * `within` says why there is nothing to say: no power beyond the floor, all of it covered, an explicit delegation, or a deployer who may do everything by
 * membership. `exceeds` holds what is missing; `unknownRoles` are bound but do not exist: nobody can say what they will grant.
 */
export type CeilingAnswer =
  | {
      readonly kind: 'within';
      readonly because: 'no-power' | 'covered' | 'delegated' | 'unlimited';
      readonly unknownRoles: readonly string[];
    }
  | {
      readonly kind: 'exceeds';
      readonly excess: readonly Excess[];
      readonly isCut: boolean;
      readonly unknownRoles: readonly string[];
    };

/** Uncovered atoms looked at before the answer is cut: it is "no" by then, and nobody reads more. */
const enoughAtoms = 2_000;
/** Atoms compared in all. The largest roles of upstream have some 10,000; an account with more than this is within nobody's ceiling who has to be compared. */
const mostAtoms = 100_000;

/**
 * Compares what the account may do beyond the floor, in every namespace where a binding names it, with what the requester may do there, by RBAC's own rules
 * against escalation. `unlimitedGroups`: whose members may do everything, besides `system:masters`. Asks no other authorizer: what a deployer may do by one of
 * those alone counts as nothing.
 */
export function judgeCeiling(options: {
  readonly graph: RbacGraph;
  readonly account: Account;
  readonly requester: Requester;
  readonly unlimitedGroups: readonly string[];
}): CeilingAnswer {
  const { graph, account, requester, unlimitedGroups } = options;
  const { rules, unknownRoles } = powerOfAccount(graph, account);
  const within = (because: 'no-power' | 'covered' | 'delegated' | 'unlimited'): CeilingAnswer => ({
    kind: 'within',
    because,
    unknownRoles,
  });
  if ([...rules.values()].every((granted) => granted.length === 0)) {
    return within('no-power');
  }
  if (requester.groups.some((group) => group === 'system:masters' || unlimitedGroups.includes(group))) {
    return { kind: 'within', because: 'unlimited', unknownRoles: [] };
  }
  const deployer = grantsOfRequester(graph, requester);
  const indexIn: IndexIn = (scope) => graph.indexOf(deployer.get(scope) ?? []);
  if (isDelegated(indexIn, account)) {
    return { kind: 'within', because: 'delegated', unknownRoles: [] };
  }
  const { excess, isCut } = compare(rules, indexIn);
  return excess.length === 0 ? within('covered') : { kind: 'exceeds', excess, isCut, unknownRoles };
}

/** What the deployer was granted in exactly one scope: a namespace, or the whole cluster by the empty name. */
type IndexIn = (scope: string) => RuleIndex;

/** `impersonate` on the account, or `use` on it in its namespace, is a grant of all it may do. */
function isDelegated(indexIn: IndexIn, { namespace, name }: Account): boolean {
  return ['impersonate', 'use'].some((verb) => {
    const atom: Atom = { kind: 'resource', group: '', resource: 'serviceaccounts', verb, name };
    return covered(atom, indexIn('')) || covered(atom, indexIn(namespace));
  });
}

/** Cluster atoms against the deployer's cluster rules; those of a namespace against these and the rules there. */
function compare(
  rules: Power['rules'],
  indexIn: IndexIn,
): { readonly excess: readonly Excess[]; readonly isCut: boolean } {
  const remainderIn = remainders(indexIn);
  const excess: Excess[] = [];
  let room = enoughAtoms;
  for (const [namespace, granted] of [...rules].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const atoms = granted.flatMap((rule) => remainderIn(namespace, rule));
    if (atoms.length > 0) {
      excess.push({ namespace, rules: compact(atoms.slice(0, room)) });
      room -= atoms.length;
    }
    if (room <= 0) {
      return { excess, isCut: true };
    }
  }
  return { excess, isCut: false };
}

/**
 * What the deployer's rules leave of a rule in a scope. Asked once for each pair of rule and index, for a role bound in a thousand namespaces is one role. Past
 * `mostAtoms` a rule counts as uncovered altogether, whatever a namespace may cover of it: a limit never passes in silence.
 */
function remainders(indexIn: IndexIn): (scope: string, rule: PolicyRule) => readonly Atom[] {
  const cluster = indexIn('');
  const beyondCluster = new Map<PolicyRule, { readonly left: readonly Atom[]; readonly isCut: boolean }>();
  const beyondBoth = new Map<RuleIndex, Map<PolicyRule, readonly Atom[]>>();
  let budget = mostAtoms;
  const ofCluster = (rule: PolicyRule) => {
    budget -= atomCount(rule);
    return budget >= 0
      ? { left: [...uncoveredAtoms(rule, cluster)], isCut: false }
      : { left: [...firstOf(atomsOf(rule), enoughAtoms)], isCut: true };
  };
  return (scope, rule) => {
    const { left, isCut } = once(beyondCluster, rule, () => ofCluster(rule));
    if (isCut || scope === '' || left.length === 0) {
      return left;
    }
    const local = indexIn(scope);
    const known = once(beyondBoth, local, () => new Map<PolicyRule, readonly Atom[]>());
    return once(known, rule, () => left.filter((atom) => !covered(atom, local)));
  };
}

function once<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  const found = known.get(key);
  if (found !== undefined) {
    return found;
  }
  const made = make();
  known.set(key, made);
  return made;
}

function* firstOf<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left <= 0) {
      return;
    }
    left -= 1;
    yield item;
  }
}
