import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { atomsOf } from '../../webhook/ceiling/atoms.ts';
import { coversPath, indexRules, uncoveredAtoms } from '../../webhook/ceiling/covers.ts';
import type { PolicyRule } from '../../webhook/ceiling/policy-rule.ts';
import { outsideData } from './outside-data.ts';

/*
 * The ceiling's comparison against the cases that the API server's own is tested by.
 */

const recorded = outsideData('rbac');

const texts = z
  .array(z.string())
  .nullish()
  .transform((given) => given ?? []);
const rules = z
  .array(z.object({ verbs: texts, apiGroups: texts, resources: texts, resourceNames: texts, nonResourceURLs: texts }))
  .nullish()
  .transform((given): readonly PolicyRule[] => given ?? []);
const row = z.object({
  name: z.string(),
  ownerRules: rules,
  servantRules: rules,
  expectedCovered: z.boolean(),
  expectedUncoveredRules: rules,
});
const pathRow = z.object({ owner: z.string(), requested: z.string(), covers: z.boolean() });

describe.skipIf(recorded.isAbsent)('what the API server says covers what', () => {
  test.each(
    recorded.isAbsent
      ? []
      : z
          .array(row)
          .length(23)
          .parse(JSON.parse(recorded.read('covers.json'))),
  )('$name', ({ ownerRules, servantRules, expectedCovered, expectedUncoveredRules }) => {
    const index = indexRules(ownerRules);
    const left = servantRules.flatMap((rule) => [...uncoveredAtoms(rule, index)]).map((atom) => JSON.stringify(atom));
    const expected = expectedUncoveredRules.flatMap((rule) => [...atomsOf(rule)]).map((atom) => JSON.stringify(atom));
    expect(left.length === 0).toBe(expectedCovered);
    expect(left.toSorted()).toEqual(expected.toSorted());
  });

  test.each(
    recorded.isAbsent
      ? []
      : z
          .array(pathRow)
          .length(14)
          .parse(JSON.parse(recorded.read('non-resource-url-covers.json'))),
  )('path $owner and $requested', ({ owner, requested, covers }) => {
    expect(coversPath(owner, requested)).toBe(covers);
  });

  test('all 37 rows are there', () => {
    expect(recorded.isAbsent).toBe(false);
  });
});
