import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { auditEvent } from '../audit/event.ts';
import { refusalReasons as authorityReasons } from '../authority/refusal.ts';
import { authoritySettings } from '../authority/settings.ts';
import type { SettingRow } from '../runtime/settings/define-settings.ts';
import { failureFamilies } from '../scripts/generate/failure-meanings.ts';
import { products } from '../scripts/generate/products.ts';
import { spiffeProblems } from '../scripts/generate/reason-meanings.ts';
import { endReasons, refusalReasons } from '../sidecar/reasons.ts';
import { sidecarSettings } from '../sidecar/settings.ts';
import { allRules } from '../webhook/rules/all-rules.ts';
import { webhookSettings } from '../webhook/settings.ts';

const root = join(import.meta.dirname, '..');
const folders = ['audit', 'authority', 'cli', 'manifests', 'runtime', 'sidecar', 'spiffe', 'webhook'];
const sources = folders
  .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))
  .filter((path) => !/\.(test|cases|contract)\.ts$/.test(path))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

const printed = (path: string): string => products.find((product) => product.path === path)?.print() ?? '';
const byText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
const sorted = (words: Iterable<string>): string[] => [...new Set(words)].sort(byText);

/** First cells, in code font, of the tables under a heading, up to the next heading of its rank or above. */
function documented(text: string, heading: string): string[] {
  const rank = /^#+/.exec(heading)?.[0].length ?? 1;
  const after = text.split('\n').slice(text.split('\n').indexOf(heading) + 1);
  const end = after.findIndex((line) => new RegExp(`^#{1,${rank}} `).test(line));
  return after.slice(0, end === -1 ? undefined : end).flatMap((line) => /^\| `([^`]+)`/.exec(line)?.[1] ?? []);
}

describe('docs/errors.md', () => {
  const text = printed('docs/errors.md');

  it('knows every failure class of the code, and no other', () => {
    const classes = sources.flatMap(({ text: source }) => [...source.matchAll(/class (\w+) extends Failure\b/g)]);
    expect(sorted(failureFamilies.map(({ name }) => name))).toEqual(sorted(classes.map(([, name]) => name ?? '')));
  });

  it.each(failureFamilies)('says what every code of $name means', ({ title, codes }) => {
    expect(documented(text, `### ${title}`)).toEqual(Object.keys(codes));
  });

  it.each(failureFamilies)('knows the codes that $name is raised with, and none that is never raised', (family) => {
    const codes = Object.keys(family.codes);
    const raised = sources.flatMap(({ text: source }) =>
      [...source.matchAll(new RegExp(`new ${family.name}\\(\\s*'([a-z-]+)'`, 'g'))].map(([, code]) => code ?? ''),
    );
    expect(raised.filter((code) => !codes.includes(code))).toEqual([]);
    expect(codes.filter((code) => !raised.includes(code) && !isNamedElsewhere(code, family.name))).toEqual([]);
  });

  it('says of every refusal of the authority what to do', () => {
    expect(documented(text, '## Refusals of the authority')).toEqual([...authorityReasons]);
  });

  it('says of every refused and every ended connection what it means', () => {
    expect(documented(text, '## Refused connections')).toEqual([...refusalReasons]);
    expect(documented(text, '## Ends of connections')).toEqual([...endReasons]);
  });

  it('knows every problem that SPIFFE values can have, and none that nobody finds', () => {
    const spiffe = sources.filter(({ path }) => path.startsWith('spiffe/') && path !== 'spiffe/failures.ts');
    const found = spiffe.flatMap(({ text: source }) =>
      Object.keys(spiffeProblems).filter((code) => source.includes(`'${code}'`)),
    );
    expect(documented(text, '## Problems of SPIFFE IDs, certificates and bundles')).toEqual(
      Object.keys(spiffeProblems),
    );
    expect(sorted(found)).toEqual(sorted(Object.keys(spiffeProblems)));
  });
});

/** Codes that are chosen by a table or a function stand in the code without the class: quoted outside the union that declares them, or as a key. */
function isNamedElsewhere(code: string, className: string): boolean {
  return sources.some(({ text }) => {
    const declared = text.includes(`class ${className} `) ? 1 : 0;
    return text.split(`'${code}'`).length - 1 > declared || new RegExp(`^ +${code}: `, 'm').test(text);
  });
}

describe('docs/rules.md', () => {
  it('has a section for every rule', () => {
    const headings = [...printed('docs/rules.md').matchAll(/^### (.+)$/gm)].map(([, id]) => id ?? '');
    expect(headings).toEqual(allRules.map(({ id }) => id));
  });
});

describe('docs/settings.md', () => {
  const tables = [
    { program: 'webhook', rows: webhookSettings.rows },
    { program: 'authority', rows: authoritySettings.rows },
    { program: 'sidecar', rows: sidecarSettings.rows },
  ];

  it.each(tables)('has every variable of the $program', ({ program, rows }) => {
    expect(documented(printed('docs/settings.md'), `## ${program}`)).toEqual(rows.map(({ variable }) => variable));
  });

  it.each(tables)(
    'says of every setting of the $program what it means, with an example that is accepted where one must be given',
    ({ rows }) => {
      const isRequired = ({ kind }: SettingRow): boolean => !kind.safeParse(undefined).success;
      expect(rows.filter(({ meta }) => meta.description === undefined).map(({ variable }) => variable)).toEqual([]);
      expect(
        rows.filter((row) => isRequired(row) && row.meta.example === undefined).map(({ variable }) => variable),
      ).toEqual([]);
      const wrong = rows.filter(
        ({ kind, meta }) => meta.example !== undefined && !kind.safeParse(meta.example).success,
      );
      expect(wrong.map(({ variable }) => variable)).toEqual([]);
    },
  );

  it('names the annotation of everything that a pod may set', () => {
    const text = printed('docs/settings.md');
    const perPod = sidecarSettings.rows.filter(({ meta }) => meta.perPod === true);
    expect(perPod.length).toBeGreaterThan(3);
    for (const { variable } of perPod) {
      const line = text.split('\n').findLast((row) => row.startsWith(`| \`${variable}\``));
      expect(line).toMatch(/Per pod: `sallyport\.dev\/[a-z0-9-]+`/);
    }
  });
});

describe('docs/audit-events.md', () => {
  it('has every event', () => {
    const names = auditEvent.options.map(({ shape }) => shape.event.value);
    expect(documented(printed('docs/audit-events.md'), '## Events')).toEqual(names);
  });
});

describe('docs/metrics.md', () => {
  it('has every metric that a program defines', () => {
    const text = printed('docs/metrics.md');
    for (const program of ['webhook', 'authority', 'sidecar']) {
      const own = sources.find(({ path }) => path === `${program}/metrics.ts`)?.text ?? '';
      // What several programs count is defined once, in a file that each of them imports.
      const shared = sources.filter(({ path }) => path.endsWith('-metrics.ts') && own.includes(`/${path}'`));
      const source = [own, ...shared.map((file) => file.text)].join('\n');
      const names = [...source.matchAll(/\bname: '([a-z_]+)'/g)].map(([, name]) => name ?? '');
      expect(names.length).toBeGreaterThan(5);
      expect(sorted(documented(text, `## ${program}`))).toEqual(sorted(names));
    }
  });
});
