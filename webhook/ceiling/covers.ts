import { type Atom, namesOf, type ResourceAtom, type UrlAtom, urlAtomsOf } from './atoms.ts';
import type { PolicyRule } from './policy-rule.ts';

/*
 * Does one RBAC rule grant an atom? The API server's own comparison against escalation, clause by clause: `*` covers every group, resource and verb, an
 * enumeration never covers `*`; resource `*` covers subresources, `* /scale` (without the blank) covers `x/scale` and nothing else is a pattern; no names cover
 * any name, names never cover the unnamed; a path is covered by itself or by a prefix before its trailing stars. Verbs are case-sensitive.
 */

/** Rules sorted by what they may cover, so that an atom meets few of them. */
export interface RuleIndex {
  readonly byResource: ReadonlyMap<string, readonly PolicyRule[]>;
  readonly withUrls: readonly PolicyRule[];
}

/** Prepares rules for `covered`. */
export function indexRules(rules: readonly PolicyRule[]): RuleIndex {
  const byResource = new Map<string, PolicyRule[]>();
  for (const rule of rules) {
    for (const group of rule.apiGroups) {
      for (const resource of rule.resources) {
        addRule(byResource, keyOf(group, resource), rule);
      }
    }
  }
  return { byResource, withUrls: rules.filter(({ nonResourceURLs }) => nonResourceURLs.length > 0) };
}

function addRule(byResource: Map<string, PolicyRule[]>, key: string, rule: PolicyRule): void {
  const known = byResource.get(key);
  if (known === undefined) {
    byResource.set(key, [rule]);
  } else {
    known.push(rule);
  }
}

/** Whether a single one of the indexed rules grants the atom. */
export function covered(atom: Atom, index: RuleIndex): boolean {
  return atom.kind === 'url'
    ? index.withUrls.some((rule) => coversUrl(rule, atom))
    : candidates(index, atom.group, atom.resource).some((rule) => coversVerbAndName(rule, atom));
}

/** The atoms of a rule that no single one of the indexed rules grants, in the order of `atomsOf`: the same as asking for each, at a fraction of the price. */
export function* uncoveredAtoms(rule: PolicyRule, index: RuleIndex): Generator<Atom> {
  const names = namesOf(rule);
  for (const group of rule.apiGroups) {
    for (const resource of rule.resources) {
      const rules = candidates(index, group, resource);
      for (const verb of rule.verbs) {
        const holding = rules.filter((one) => grantsVerb(one, verb));
        for (const name of holding.some(({ resourceNames }) => resourceNames.length === 0) ? [] : names) {
          if (!holding.some((one) => coversName(one, name))) {
            yield { kind: 'resource', group, resource, verb, name };
          }
        }
      }
    }
  }
  for (const atom of urlAtomsOf(rule)) {
    if (!covered(atom, index)) {
      yield atom;
    }
  }
}

const keyOf = (group: string, resource: string): string => `${group} ${resource}`;

/** The rules that may grant something on a resource: those that name it, `*`, or every resource's subresource of its name, in its group or in all. */
function candidates({ byResource }: RuleIndex, group: string, resource: string): readonly PolicyRule[] {
  const slash = resource.indexOf('/');
  const resources = [resource, '*', ...(slash < 0 ? [] : [`*/${resource.slice(slash + 1)}`])];
  const keys = new Set([group, '*'].flatMap((one) => resources.map((other) => keyOf(one, other))));
  const found = [...keys].flatMap((key) => byResource.get(key) ?? []);
  return found;
}

const coversVerbAndName = (rule: PolicyRule, { verb, name }: ResourceAtom): boolean =>
  grantsVerb(rule, verb) && coversName(rule, name);

const coversName = ({ resourceNames }: PolicyRule, name: string): boolean =>
  resourceNames.length === 0 || (name !== '' && resourceNames.includes(name));

function coversUrl(rule: PolicyRule, { url, verb }: UrlAtom): boolean {
  return (
    grantsVerb(rule, verb) &&
    rule.resourceNames.length === 0 &&
    rule.nonResourceURLs.some((pattern) => coversPath(pattern, url))
  );
}

const grantsVerb = ({ verbs }: PolicyRule, verb: string): boolean => verbs.includes('*') || verbs.includes(verb);

/** Whether a path, perhaps itself ending in `*`, is granted by a pattern: equal, or by prefix after *all* trailing stars of the pattern are cut. */
export function coversPath(pattern: string, url: string): boolean {
  return pattern === url || (pattern.endsWith('*') && url.startsWith(withoutTrailingStars(pattern)));
}

function withoutTrailingStars(pattern: string): string {
  let end = pattern.length;
  while (end > 0 && pattern[end - 1] === '*') {
    end -= 1;
  }
  return pattern.slice(0, end);
}
