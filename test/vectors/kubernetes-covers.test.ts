import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { uncovered } from '../fakes/api-server/escalation.ts';
import { type PolicyRule, urlMatches } from '../fakes/api-server/rbac.ts';
import { outsideData } from './outside-data.ts';

/*
 * The escalation check of the embedded API server against upstream's own cases. It shares no code with the ceiling, so each is a check on the other.
 */

const recorded = outsideData('rbac');

const texts = z.array(z.string()).nullish();
const rule = z
  .object({ verbs: texts, apiGroups: texts, resources: texts, resourceNames: texts, nonResourceURLs: texts })
  .transform(
    (given): PolicyRule => ({
      verbs: given.verbs ?? [],
      apiGroups: given.apiGroups ?? [],
      resources: given.resources ?? [],
      resourceNames: given.resourceNames ?? [],
      nonResourceURLs: given.nonResourceURLs ?? [],
    }),
  );
const rules = z.array(rule).nullish();
const row = z.object({
  name: z.string(),
  ownerRules: rules,
  servantRules: rules,
  expectedCovered: z.boolean(),
  expectedUncoveredRules: rules,
});
const urlRow = z.object({ owner: z.string(), requested: z.string(), covers: z.boolean() });

const sorted = (list: readonly PolicyRule[]): readonly string[] =>
  list.map((each) => JSON.stringify(each)).toSorted((left, right) => left.localeCompare(right));

describe.skipIf(recorded.isAbsent)('what covers what', () => {
  test('is judged as upstream judges it, and leaves over the same', () => {
    const rows = z
      .array(row)
      .min(23)
      .parse(JSON.parse(recorded.read('covers.json')));
    const judged = rows.map(({ name, ownerRules, servantRules }) => {
      const left = uncovered(ownerRules ?? [], servantRules ?? []);
      return { name, isCovered: left.length === 0, left: sorted(left) };
    });
    expect(judged).toEqual(
      rows.map(({ name, expectedCovered, expectedUncoveredRules }) => ({
        name,
        isCovered: expectedCovered,
        left: sorted(expectedUncoveredRules ?? []),
      })),
    );
  });

  test('is judged alike for URLs', () => {
    const rows = z
      .array(urlRow)
      .min(14)
      .parse(JSON.parse(recorded.read('non-resource-url-covers.json')));
    expect(rows.filter(({ owner, requested, covers }) => urlMatches(owner, requested) !== covers)).toEqual([]);
  });
});
