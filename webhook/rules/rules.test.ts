import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allRuleCases } from '../../test/builders/all-rule-cases.ts';
import { creates, everyContainerListOf, everyKindOf, minimalPod, ruleContext } from '../../test/builders/judgement.ts';
import type { ExpectedFinding, PodAllowCase } from '../../test/builders/rule-cases.ts';
import type { AdmissionRequest, Json, JsonObject } from '../admission/request.ts';
import type { RuleContext } from '../policy/context.ts';
import { evaluateRules, findingsOf } from '../policy/evaluate.ts';
import type { Finding } from '../policy/finding.ts';
import { textAt } from '../policy/json-access.ts';
import { podKinds } from '../policy/pod-template.ts';
import { familyOf, ruleFamilies, unliftableRules } from '../policy/rule-ids.ts';
import { allRules } from './all-rules.ts';
import { retiredRules } from './retired-rules.ts';

/*
 * One harness for all rules. A case about a container is tried as an init, a regular and an ephemeral one, a case about a pod in every kind that holds one: no
 * rule can forget a place.
 */

interface Trial {
  readonly where: string;
  readonly request: AdmissionRequest;
  /** Where the case's paths begin, and how its container is called. */
  readonly base: string;
  readonly label: string;
}

function trialsOf(example: PodAllowCase): readonly Trial[] {
  if ('container' in example) {
    return everyContainerListOf(example.around ?? minimalPod, example.container).flatMap((list) =>
      inEveryKind(list.pod, example.only).map(({ object, base }) => trial(object, base + list.path, list.label)),
    );
  }
  return inEveryKind(example.pod, example.only).map(({ object, base }) => trial(object, base, '', example.rest));
}

function inEveryKind(pod: JsonObject, only: PodAllowCase['only']) {
  return everyKindOf(pod).filter(({ base }) => only === undefined || (base === '') === (only === 'pods'));
}

function trial(object: JsonObject, base: string, label: string, rest: Partial<AdmissionRequest> = {}): Trial {
  return { where: `${textAt(object, 'kind') ?? ''} ${label}`, request: creates(object, rest), base, label };
}

function shown(findings: readonly Finding[]): readonly ExpectedFinding[] {
  return findings.map(({ path, subject, found, cap, detector }) => ({
    path,
    subject,
    found,
    ...(cap === undefined ? {} : { cap }),
    ...(detector === undefined ? {} : { detector }),
  }));
}

function placed(expected: readonly ExpectedFinding[], { base, label }: Trial): readonly ExpectedFinding[] {
  return expected.map((finding) => ({
    ...finding,
    path: base + finding.path,
    subject: finding.subject.replace('{container}', label),
  }));
}

function expectFilled(findings: readonly Finding[]): void {
  for (const { fix, subject, found } of findings) {
    expect(`${fix}${subject}${found}`).not.toMatch(/\{\w+\}/);
  }
}

describe.each(allRuleCases.map((cases) => ({ id: cases.rule.id, cases })))('$id', ({ cases }) => {
  const allow: readonly AnyCase[] = cases.allow;
  const deny: readonly AnyDenyCase[] = cases.deny;

  it.each(allow)('passes $name', (example) => {
    for (const { request, where } of requestsOf(example)) {
      const findings = shown(findingsOf(cases.rule, request, ruleContext(example.facts)));
      expect({ where, findings }).toEqual({ where, findings: [] });
    }
  });

  it.each(deny)('refuses $name', (example) => {
    for (const each of requestsOf(example)) {
      const findings = findingsOf(cases.rule, each.request, ruleContext(example.facts));
      expect({ where: each.where, findings: shown(findings) }).toEqual({
        where: each.where,
        findings: placed(example.findings, each),
      });
      expectFilled(findings);
    }
  });

  it.each(deny)('accepts, by all rules, what mends $name', (example) => {
    for (const { request, where } of fixedOf(example)) {
      const findings = evaluateRules(allRules, request, ruleContext(example.facts)).map(({ finding }) => finding);
      expect({ where, findings }).toEqual({ where, findings: [] });
    }
  });
});

type AnyCase = (typeof allRuleCases)[number]['allow'][number];
type AnyDenyCase = (typeof allRuleCases)[number]['deny'][number];

function requestsOf(example: AnyCase): readonly Trial[] {
  return 'request' in example
    ? [{ where: 'request', request: example.request, base: '', label: '' }]
    : trialsOf(example);
}

function fixedOf(example: AnyDenyCase): readonly Trial[] {
  if ('request' in example) {
    return [{ where: 'request', request: example.fixed, base: '', label: '' }];
  }
  return 'container' in example
    ? trialsOf({ ...example, container: example.fixed })
    : trialsOf({ ...example, pod: example.fixed });
}

describe('every rule', () => {
  const files = readdirSync(import.meta.dirname);
  const ruleFiles = files.filter(
    (file) => /^[a-z-]+\.ts$/.test(file) && !['all-rules.ts', 'retired-rules.ts'].includes(file),
  );

  it('is one file named for its id, with a table of cases, and listed by hand', () => {
    const ids = allRules.map(({ id }) => id);
    expect([...ids].sort(byText)).toEqual(ruleFiles.map((file) => file.replace('.ts', '')).sort(byText));
    expect(allRuleCases.map(({ rule }) => rule.id)).toEqual(ids);
    for (const { rule, allow, deny } of allRuleCases) {
      expect(files).toContain(`${rule.id}.cases.ts`);
      expect({ id: rule.id, isTried: Math.min(allow.length, deny.length) > 0 }).toEqual({ id: rule.id, isTried: true });
    }
  });

  it('has an id of the catalogue, in its order, unique and not retired', () => {
    const catalogue = Object.values(ruleFamilies).flat().map(String);
    const ids = allRules.map(({ id }) => id);
    expect(catalogue).toHaveLength(28);
    expect(ids).toEqual(catalogue.filter((id) => ids.includes(id)));
    expect(ids.filter((id) => retiredRules.includes(id))).toEqual([]);
  });

  it.each(allRules)('$id says what it forbids, why, and what to do', (rule) => {
    expect(rule.title).toMatch(/^[A-Z]/);
    expect(rule.why).toMatch(/\.$/);
    expect(rule.remediation).toMatch(
      /^(Ask|Bind|Correct|Drop|Keep|Let|List|Mount|Move|Remove|Rename|Run|Set|Take|Use)\b.*\.$/,
    );
    expect(`${rule.title}${rule.why}${rule.remediation}`).not.toMatch(/TODO|FIXME|SCAFFOLD/);
    expect(rule.invariants.length).toBeGreaterThan(0);
    expect(rule.exemptable).toBe(!unliftableRules.has(rule.id));
    expect(rule.defaultMode === 'guard').toBe(familyOf(rule.id) === 'guards');
  });

  it('is tried in every kind that holds a pod', () => {
    expect(everyKindOf(minimalPod).map(({ object }) => textAt(object, 'kind'))).toEqual(
      podKinds.map((kind) => kind.split('.')[0]),
    );
  });

  it('neither throws on arbitrary objects nor changes them', () => {
    fc.assert(
      fc.property(arbitraryRequest(), (request) => unchanged(request, ruleContext())),
      { numRuns: 300 },
    );
  });
});

function unchanged(request: AdmissionRequest, context: RuleContext): void {
  const before = JSON.stringify(request);
  evaluateRules(allRules, request, context);
  expect(JSON.stringify(request)).toBe(before);
}

/** Objects made of the members that rules look at, with anything in them, under every kind they judge. */
function arbitraryRequest(): fc.Arbitrary<AdmissionRequest> {
  const object = fc.dictionary(member(), anything(), { maxKeys: 6 });
  return fc
    .record({
      object,
      oldObject: fc.option(object),
      kind: fc.constantFrom(...judgedKinds()),
      subResource: fc.constantFrom('', 'status', 'resize'),
    })
    .map(({ object: raw, oldObject, kind, subResource }) =>
      creates(
        { ...raw, ...kind },
        {
          subResource,
          oldObject,
          operation: oldObject === null ? 'CREATE' : 'UPDATE',
          name: 'web',
          namespace: 'payments',
        },
      ),
    );
}

function judgedKinds(): readonly JsonObject[] {
  return [
    ...everyKindOf(minimalPod).map(({ object }) => ({
      apiVersion: object['apiVersion'] ?? '',
      kind: object['kind'] ?? '',
    })),
    { apiVersion: 'v1', kind: 'Secret' },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding' },
    { apiVersion: 'sallyport.dev/v1alpha1', kind: 'Exemption' },
  ];
}

const members =
  'metadata spec status template jobTemplate containers initContainers ephemeralContainers name env value valueFrom secretKeyRef envFrom prefix ports containerPort ' +
  'volumes secret secretName projected sources csi volumeMounts mountPath securityContext runAsUser data stringData type subjects roleRef kind approval decision ' +
  'annotations labels scope rules expiresAt __proto__ constructor kubectl.kubernetes.io/last-applied-configuration sallyport.dev/inbound';

function member(): fc.Arbitrary<string> {
  return fc.constantFrom(...members.split(' '));
}

function anything(): fc.Arbitrary<Json> {
  return fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      fc.oneof(
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.constantFrom('{"spec":{}}', 'Bearer x', 'password'),
      ),
      fc.dictionary(member(), tie('json'), { maxKeys: 4 }),
      fc.array(tie('json'), { maxLength: 3 }),
    ),
  })).json;
}

function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
