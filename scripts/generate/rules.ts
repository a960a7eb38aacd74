import { stringify } from 'yaml';
import { allRuleCases } from '../../test/builders/all-rule-cases.ts';
import { creates, everyContainerListOf, everyKindOf, minimalPod, ruleContext } from '../../test/builders/judgement.ts';
import type { PodDenyCase, RuleCases } from '../../test/builders/rule-cases.ts';
import type { AdmissionRequest, JsonObject } from '../../webhook/admission/request.ts';
import { findingLine } from '../../webhook/policy/denial-text.ts';
import { findingsOf } from '../../webhook/policy/evaluate.ts';
import type { DefaultMode, Rule } from '../../webhook/policy/rule.ts';
import { familyOf, type RuleFamily } from '../../webhook/policy/rule-ids.ts';

const familyTitles: Readonly<Record<RuleFamily, string>> = {
  credentials: 'Credentials',
  authorization: 'Authorization',
  transport: 'Identity and transport',
  guards: 'Guards',
};

const modeSentences: Readonly<Record<DefaultMode, string>> = {
  namespace: 'the mode of the namespace; of objects without one, `clusterPolicy`',
  cluster: '`clusterPolicy`',
  guard: 'always `enforce`',
};

/** `docs/rules.md`: every rule with what it refuses and what it accepts instead, taken from the first refused case of its table, so that both are tested. */
export function printRulesDocs(): string {
  const sections = Object.entries(familyTitles).flatMap(([family, title]) => {
    const rules = allRuleCases.filter(({ rule }) => familyOf(rule.id) === family);
    return rules.length === 0 ? [] : [`## ${title}`, ...rules.map(section)];
  });
  return `${[heading(), ...sections].join('\n\n')}\n`;
}

function heading(): string {
  const rows = allRuleCases.map(({ rule }) => `| [\`${rule.id}\`](#${rule.id}) | ${rule.title} |`);
  return [
    '# Rules',
    '',
    'Printed from the rules and their tables of cases (`webhook/rules/`); change those and run `npm run generate`.',
    '',
    'A rule finds; the mode decides what becomes of it: `enforce` denies, `warn` warns, `audit` records. An approved `Exemption` is the only way past a rule.',
    '',
    '| rule | what is refused |',
    '| --- | --- |',
    ...rows,
  ].join('\n');
}

function section(cases: RuleCases): string {
  const { rule } = cases;
  return [
    `### ${rule.id}`,
    `${rule.title}.`,
    rule.why,
    `**Fix**: ${rule.remediation.replace(/\{(\w+)\}/g, '`$1`')}`,
    facts(rule),
    ...example(cases),
    '<details><summary>Its cases</summary>',
    caseList(cases),
    '</details>',
  ].join('\n\n');
}

function caseList(cases: RuleCases): string {
  const found = cases.deny.map(({ name, findings }) => {
    const isWarning = findings.every(({ cap }) => cap !== undefined);
    return `- ${isWarning ? 'warns' : 'refuses'}: ${name}`;
  });
  return [...found, ...cases.allow.map(({ name }) => `- passes: ${name}`)].join('\n');
}

function facts(rule: Rule): string {
  const controls = Object.entries(rule.controls).map(([framework, ids]) => `${framework} ${ids.join(', ')}`);
  return [
    `- Mode: ${modeSentences[rule.defaultMode]}`,
    `- Exemption: ${rule.exemptable ? 'possible' : 'impossible'}`,
    `- Invariants: ${rule.invariants.join(', ')}`,
    `- Supports: ${controls.join('; ')}`,
    `- See: ${rule.references.join('; ')}`,
    `- Since: ${rule.since}`,
  ].join('\n');
}

/** The first refused case as a person would meet it: the object, the finding, and the object that is accepted. */
function example(cases: RuleCases): readonly string[] {
  const [first] = cases.deny;
  if (first === undefined) {
    return [];
  }
  const { refused, fixed } = 'request' in first ? { refused: first.request, fixed: first.fixed } : podExample(first);
  const lines = findingsOf(cases.rule, refused, ruleContext(first.facts)).map(findingLine);
  return [
    'Refused:',
    fenced('yaml', yaml(refused)),
    fenced('text', lines.join('\n')),
    'Accepted:',
    fenced('yaml', yaml(fixed)),
  ];
}

function podExample(example: PodDenyCase): { readonly refused: AdmissionRequest; readonly fixed: AdmissionRequest } {
  if ('container' in example) {
    const around = example.around ?? minimalPod;
    return { refused: asPod(around, example.container), fixed: asPod(around, example.fixed) };
  }
  const place = everyKindOf(example.pod).find(({ base }) => (base === '') === (example.only !== 'templates'));
  const mended = everyKindOf(example.fixed).find(({ base }) => base === place?.base);
  return {
    refused: creates(place?.object ?? example.pod, example.rest),
    fixed: creates(mended?.object ?? example.fixed),
  };
}

function asPod(around: JsonObject, container: JsonObject): AdmissionRequest {
  const [, regular] = everyContainerListOf(around, container);
  return creates(regular?.pod ?? around);
}

function yaml({ object }: AdmissionRequest): string {
  return stringify(object, { lineWidth: 0 }).trimEnd();
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
