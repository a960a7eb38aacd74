import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryRule } from '../../test/builders/arbitrary-rbac.ts';
import { type Atom, atomCount, atomsOf } from './atoms.ts';
import { compact } from './compact.ts';
import { indexRules, uncoveredAtoms } from './covers.ts';
import { type PolicyRule, parsePolicyRules } from './policy-rule.ts';

const left = (rules: readonly PolicyRule[], owner: readonly PolicyRule[]): readonly Atom[] => {
  const index = indexRules(owner);
  return rules.flatMap((rule) => [...uncoveredAtoms(rule, index)]);
};

const isAmong = (atom: Atom, atoms: readonly Atom[]): boolean =>
  atoms.some((other) => JSON.stringify(other) === JSON.stringify(atom));

describe('compact', () => {
  it('grants exactly what its atoms did', () => {
    fc.assert(
      fc.property(fc.array(arbitraryRule(), { maxLength: 4 }), (raw) => {
        const granted = parsePolicyRules(raw);
        const atoms = granted.flatMap((rule) => [...atomsOf(rule)]);
        const rules = compact(atoms);
        expect(left(granted, rules)).toEqual([]);
        expect(rules.flatMap((rule) => [...atomsOf(rule)]).filter((atom) => !isAmong(atom, atoms))).toEqual([]);
        expect(compact(atoms.toReversed())).toEqual(rules);
      }),
      { numRuns: 500 },
    );
  });

  it('writes as a person would: verbs together, then resources', () => {
    const atoms = parsePolicyRules([
      { apiGroups: [''], resources: ['services', 'pods'], verbs: ['list', 'get'] },
      { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
    ]).flatMap((rule) => [...atomsOf(rule)]);
    expect(compact(atoms).map(({ resources, verbs }) => ({ resources, verbs }))).toEqual([
      { resources: ['pods', 'services'], verbs: ['get', 'list'] },
      { resources: ['secrets'], verbs: ['get'] },
    ]);
  });

  it('counts atoms without making them', () => {
    fc.assert(
      fc.property(arbitraryRule(), (raw) => {
        const [rule] = parsePolicyRules([raw]);
        expect(rule === undefined ? 0 : atomCount(rule)).toBe(rule === undefined ? 0 : [...atomsOf(rule)].length);
      }),
    );
  });
});
