import type { PolicyRule } from './policy-rule.ts';

/** One verb on one resource of one group, for one name or, with the empty name, for all. */
export interface ResourceAtom {
  readonly kind: 'resource';
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  readonly name: string;
}

/** One verb on one path outside the resources, which may end in `*`. */
export interface UrlAtom {
  readonly kind: 'url';
  readonly url: string;
  readonly verb: string;
}

/** The smallest thing that RBAC can grant: each is covered by a single rule or not at all. */
export type Atom = ResourceAtom | UrlAtom;

/**
 * The atoms of a rule, one at a time, as the API server breaks it down: groups x resources x verbs (x names), and paths x verbs. Without groups or without verbs
 * there are none.
 */
export function* atomsOf(rule: PolicyRule): Generator<Atom> {
  const names = namesOf(rule);
  for (const group of rule.apiGroups) {
    for (const resource of rule.resources) {
      for (const verb of rule.verbs) {
        for (const name of names) {
          yield { kind: 'resource', group, resource, verb, name };
        }
      }
    }
  }
  yield* urlAtomsOf(rule);
}

/** Those outside the resources. */
export function* urlAtomsOf({ nonResourceURLs, verbs }: PolicyRule): Generator<UrlAtom> {
  for (const url of nonResourceURLs) {
    for (const verb of verbs) {
      yield { kind: 'url', url, verb };
    }
  }
}

/** How many atoms `atomsOf` yields. */
export function atomCount(rule: PolicyRule): number {
  const { apiGroups, resources, verbs, nonResourceURLs } = rule;
  return verbs.length * (apiGroups.length * resources.length * namesOf(rule).length + nonResourceURLs.length);
}

/** The names that a rule is limited to; the empty one where it is not. */
export const namesOf = ({ resourceNames }: PolicyRule): readonly string[] =>
  resourceNames.length === 0 ? [''] : resourceNames;
