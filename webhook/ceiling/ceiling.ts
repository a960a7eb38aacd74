import type { Requester } from '../admission/request.ts';
import { type Atom, atomsOf } from './atoms.ts';
import { compact } from './compact.ts';
import { covered, indexRules, type RuleIndex } from './covers.ts';
import type { PolicyRule } from './policy-rule.ts';
import { type Power, powerOfAccount, powerOfRequester } from './power.ts';
import type { RbacGraph } from './rbac-graph.ts';

/** A service account. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

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
/** Atoms compared in all: an account with more is not within anybody's ceiling who has to be compared. */
const mostAtoms = 500_000;

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
  const deployer = powerOfRequester(graph, requester);
  if (isDelegated(deployer, account)) {
    return { kind: 'within', because: 'delegated', unknownRoles: [] };
  }
  const { excess, isCut } = compare(rules, deployer);
  return excess.length === 0 ? within('covered') : { kind: 'exceeds', excess, isCut, unknownRoles };
}

/** `impersonate` on the account, or `use` on it in its namespace, is a grant of all it may do. */
function isDelegated(deployer: Power, { namespace, name }: Account): boolean {
  const index = indexRules([...(deployer.rules.get('') ?? []), ...(deployer.rules.get(namespace) ?? [])]);
  return ['impersonate', 'use'].some((verb) =>
    covered({ kind: 'resource', group: '', resource: 'serviceaccounts', verb, name }, index),
  );
}

/** Cluster atoms against the deployer's cluster rules; those of a namespace against these and the rules there. */
function compare(
  rules: Power['rules'],
  deployer: Power,
): { readonly excess: readonly Excess[]; readonly isCut: boolean } {
  const excess: Excess[] = [];
  let budget = mostAtoms;
  let isCut = false;
  for (const [namespace, granted] of [...rules].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const index = indexRules([
      ...(deployer.rules.get('') ?? []),
      ...(namespace === '' ? [] : (deployer.rules.get(namespace) ?? [])),
    ]);
    const found = uncovered(granted, index, budget);
    budget -= found.compared;
    isCut ||= found.isCut;
    if (found.atoms.length > 0) {
      excess.push({ namespace, rules: compact(found.atoms) });
    }
  }
  return { excess, isCut };
}

/** Atoms that no single rule of the index covers. Out of budget, the rest of a rule counts as uncovered: a limit never passes in silence. */
function uncovered(
  rules: readonly PolicyRule[],
  index: RuleIndex,
  budget: number,
): { readonly atoms: readonly Atom[]; readonly compared: number; readonly isCut: boolean } {
  const atoms: Atom[] = [];
  let compared = 0;
  for (const rule of rules) {
    for (const atom of atomsOf(rule)) {
      compared += 1;
      if (compared > budget || !covered(atom, index)) {
        atoms.push(atom);
      }
      if (atoms.length >= enoughAtoms) {
        return { atoms, compared, isCut: true };
      }
    }
  }
  return { atoms, compared, isCut: false };
}
