/**
 * `npm run new-rule -- <id>` writes `webhook/rules/<id>.ts` and `<id>.cases.ts` and lists both by hand where rules and tables are listed. What is still to be
 * written is marked, and the rules' tests fail until it is.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { familyOf, ruleFamilies } from '../webhook/policy/rule-ids.ts';
import { allRules } from '../webhook/rules/all-rules.ts';

const root = join(import.meta.dirname, '..');
const catalogue = Object.values(ruleFamilies).flat().map(String);

const [id = ''] = process.argv.slice(2);
const mistake = mistakeIn(id);
if (mistake === undefined) {
  writeRule(id);
} else {
  console.error(mistake);
  process.exitCode = 2;
}

function mistakeIn(rule: string): string | undefined {
  if (familyOf(rule) === undefined) {
    return `usage: npm run new-rule -- <id>, an id of the catalogue that has no rule yet:\n  ${unwritten().join('\n  ')}`;
  }
  return existsSync(pathOf(`${rule}.ts`)) ? `${rule} exists already` : undefined;
}

function unwritten(): readonly string[] {
  const written = new Set(allRules.map((rule) => rule.id));
  return catalogue.filter((each) => !written.has(each));
}

function writeRule(rule: string): void {
  writeFileSync(pathOf(`${rule}.ts`), ruleText(rule));
  writeFileSync(pathOf(`${rule}.cases.ts`), casesText(rule));
  insert('webhook/rules/all-rules.ts', rule, `import { ${camel(rule)} } from './${rule}.ts';`, `  ${camel(rule)},`);
  insert(
    'test/builders/all-rule-cases.ts',
    rule,
    `import { ${camel(rule)}Cases } from '../../webhook/rules/${rule}.cases.ts';`,
    `  ${camel(rule)}Cases,`,
  );
  console.log(`wrote webhook/rules/${rule}.ts and ${rule}.cases.ts; fill in what says SCAFFOLD, then npm run fix`);
}

/** Adds an import, and an entry in the order of the catalogue. The formatter sorts the imports. */
function insert(file: string, rule: string, importLine: string, entry: string): void {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  const suffix = entry.includes('Cases') ? 'Cases,' : ',';
  const later = new Set(catalogue.slice(catalogue.indexOf(rule) + 1).map((each) => `  ${camel(each)}${suffix}`));
  const next = lines.findIndex((line) => later.has(line));
  const at = next < 0 ? lines.lastIndexOf('];') : next;
  const changed = [importLine, ...lines.slice(0, at), entry, ...lines.slice(at)];
  writeFileSync(join(root, file), changed.join('\n'));
}

function ruleText(rule: string): string {
  const guard = familyOf(rule) === 'guards';
  return `import type { AdmissionRequest } from '../admission/request.ts';
import type { RuleContext } from '../policy/context.ts';
import type { Finding } from '../policy/finding.ts';
import { report } from '../policy/report.ts';
import type { ObjectRule } from '../policy/rule.ts';

export const ${camel(rule)}: ObjectRule = {
  id: '${rule}',
  title: 'SCAFFOLD what is forbidden, one line',
  why: 'SCAFFOLD the attack. In two sentences.',
  remediation: 'SCAFFOLD what to do, in the imperative, with {placeholders}.',
  invariants: [],
  references: [],
  controls: {},
  since: '0.1.0',
  defaultMode: '${guard ? 'guard' : 'namespace'}',
  exemptable: true,
  judges: 'object',
  appliesTo: { kinds: [], operations: ['CREATE', 'UPDATE'] },
  check,
};

function check(_request: AdmissionRequest, _context: RuleContext): readonly Finding[] {
  return [report(${camel(rule)}, { path: '', subject: 'SCAFFOLD', found: 'SCAFFOLD' })];
}
`;
}

function casesText(rule: string): string {
  return `import type { ObjectRuleCases } from '../../test/builders/rule-cases.ts';
import { ${camel(rule)} } from './${rule}.ts';

export const ${camel(rule)}Cases: ObjectRuleCases = {
  rule: ${camel(rule)},
  allow: [],
  deny: [],
};
`;
}

function camel(rule: string): string {
  return rule.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function pathOf(file: string): string {
  return join(root, 'webhook/rules', file);
}
