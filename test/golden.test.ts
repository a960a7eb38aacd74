import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { authorAnnotationParsers } from '../webhook/injection/author-annotations.ts';
import { expectedPod } from '../webhook/injection/expected-pod.ts';
import { patchOf } from '../webhook/injection/patch.ts';
import { evaluateRules } from '../webhook/policy/evaluate.ts';
import { isJsonObject, type JsonObject } from '../webhook/review.ts';
import { allRules } from '../webhook/rules/all-rules.ts';
import { injected, planSubject } from './builders/injected.ts';
import { injectionSettings } from './builders/injection.ts';
import { creates, policySettings, ruleContext } from './builders/judgement.ts';
import { type Level, podSecurityViolations } from './pod-security/pod-security.ts';

/*
 * Whole pods, as they come and as injection leaves them. `npm run golden` writes `<scenario>.golden.yaml` anew; read the difference before it is committed.
 */

const folder = join(import.meta.dirname, 'golden');
const suffix = '.input.yaml';
const scenarios = readdirSync(folder)
  .filter((file) => file.endsWith(suffix))
  .map((file) => file.slice(0, -suffix.length));

function inputOf(scenario: string): JsonObject {
  const pod: unknown = parse(readFileSync(join(folder, scenario + suffix), 'utf8'));
  if (!isJsonObject(pod)) {
    throw new TypeError(`${scenario}: a golden is one pod`);
  }
  return pod;
}

/** What all our rules find in the pod when it is created, its own derivation among the facts. */
function findingsIn(pod: JsonObject): readonly string[] {
  const context = ruleContext({
    settings: { ...policySettings, authorAnnotations: authorAnnotationParsers() },
    expectedPod: expectedPod(planSubject(pod), injectionSettings),
  });
  return evaluateRules(allRules, creates(pod), context).map(({ finding }) => `${finding.rule} ${finding.path}`);
}

/** Without positions: the sidecar moves the author's containers along. */
function violationsOf(pod: JsonObject, level: Level): readonly string[] {
  return podSecurityViolations(pod, level)
    .map(({ control, field }) => `${control} ${field.replaceAll(/\[\d+\]/g, '[]')}`)
    .toSorted();
}

describe.each(scenarios)('golden %s', (scenario) => {
  const input = inputOf(scenario);
  const output = injected(input);

  it('is injected as written', async () => {
    await expect(stringify(output, { lineWidth: 160, aliasDuplicateObjects: false })).toMatchFileSnapshot(
      join(folder, `${scenario}.golden.yaml`),
    );
  });

  it('AR-33 is not patched twice', () => {
    expect(patchOf(output, injected(output))).toEqual([]);
  });

  it('passes our own rules', () => {
    expect(findingsIn(output)).toEqual([]);
  });

  it.each<Level>(['baseline', 'restricted'])('breaks nothing of Pod Security %s that it did not before', (level) => {
    expect(violationsOf(output, level)).toEqual(violationsOf(input, level));
  });
});

describe('goldens', () => {
  it('hold one pod that runs where restricted is enforced, and goes on to', () => {
    const restricted = scenarios.filter(
      (scenario) => podSecurityViolations(inputOf(scenario), 'restricted').length === 0,
    );
    expect(restricted).toContain('restricted');
    expect(restricted.flatMap((scenario) => podSecurityViolations(injected(inputOf(scenario)), 'restricted'))).toEqual(
      [],
    );
  });

  it('are as many as there are inputs', () => {
    const goldens = readdirSync(folder).filter((file) => file.endsWith('.golden.yaml'));
    expect(goldens.map((file) => file.replace('.golden.yaml', '')).toSorted()).toEqual(scenarios.toSorted());
  });
});
