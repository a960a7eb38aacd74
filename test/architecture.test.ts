import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importRows, mayTouchProcess, unbounded, withoutRegExp } from './import-rules.ts';

interface Import {
  readonly from: string;
  readonly isType: boolean;
}

/** What is in the repository, or about to be. */
const trackedOf = (...patterns: readonly string[]): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns], { encoding: 'utf8' })
    .split('\n')
    .filter((path) => path !== '');
const files = trackedOf('*.ts');
const isTest = (path: string): boolean => /\.(test|cases|contract)\.ts$/.test(path);
const product = files.filter((path) => !isTest(path) && !unbounded.some((prefix) => path.startsWith(prefix)));
const textOf = new Map(files.map((path) => [path, readFileSync(path, 'utf8')]));

/** Comments and the contents of plain strings and templates blanked, so that words in prose break no rule. */
function codeOf(path: string): string {
  return (textOf.get(path) ?? '')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''");
}

function importsOf(path: string): Import[] {
  const text = textOf.get(path) ?? '';
  const named = [...text.matchAll(/^(?:import|export)\s+(type\s+)?[^;'"]*?from\s+'([^']+)'/gm)].map((match) => ({
    from: match[2] ?? '',
    isType: match[1] !== undefined,
  }));
  const bare = [...text.matchAll(/^import\s+'([^']+)'/gm)].map((match) => ({ from: match[1] ?? '', isType: false }));
  const dynamic = [...text.matchAll(/\bimport\(\s*'([^']+)'/g)].map((match) => ({
    from: match[1] ?? '',
    isType: false,
  }));
  return [...named, ...bare, ...dynamic].map(({ from, isType }) => ({
    from: from.startsWith('.') ? normalize(join(dirname(path), from)) : from,
    isType,
  }));
}

const covers = (prefixes: readonly string[], path: string): boolean =>
  prefixes.some((prefix) => (prefix.endsWith('.ts') ? path === prefix : path.startsWith(prefix)));
const packageOf = (specifier: string): string =>
  specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : (specifier.split('/')[0] ?? specifier);

function breachesOf(path: string): string[] {
  const row = importRows.find(({ files: prefixes }) => covers(prefixes, path));
  if (row === undefined) {
    return [`${path} is covered by no row of test/import-rules.ts`];
  }
  return importsOf(path).flatMap(({ from, isType }) => {
    const isOurs = files.includes(from);
    const isSibling = isOurs && dirname(from) === dirname(path) && !path.startsWith('webhook/rules/');
    const allowed = isOurs
      ? isSibling || covers(row.ours, from)
      : covers(row.others, from) || row.others.includes(packageOf(from)) || (isType && !path.startsWith('sidecar/'));
    return allowed ? [] : [`${path} may not import ${from}: ${row.reason} (ARCHITECTURE.md, invariants)`];
  });
}

describe('architecture', () => {
  it('lets every file import only what its row allows', () => {
    expect(product.flatMap(breachesOf)).toEqual([]);
  });

  it('lets nothing import a main.ts', () => {
    const guilty = files.filter((path) =>
      importsOf(path).some(({ from }) => /(^|\/)main\.ts$/.test(from) && files.includes(from)),
    );
    expect(guilty).toEqual([]);
  });

  it('keeps rules apart: only the list imports them', () => {
    const rules = files.filter(
      (path) => path.startsWith('webhook/rules/') && !isTest(path) && !path.endsWith('-rules.ts'),
    );
    const guilty = rules.filter((path) => importsOf(path).some(({ from }) => rules.includes(from)));
    expect(guilty).toEqual([]);
  });

  it('has no import cycle', () => {
    const cycles: string[] = [];
    const state = new Map<string, 'open' | 'done'>();
    const walk = (path: string, trail: readonly string[]): void => {
      if (state.get(path) === 'done') {
        return;
      }
      if (state.get(path) === 'open') {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
        return;
      }
      state.set(path, 'open');
      for (const { from, isType } of importsOf(path)) {
        if (!isType && files.includes(from)) {
          walk(from, [...trail, path]);
        }
      }
      state.set(path, 'done');
    };
    for (const path of files) {
      walk(path, []);
    }
    expect(cycles).toEqual([]);
  });

  it('touches process, timers, wall clock, randomness and console only in main.ts, the clock and the generator', () => {
    const forbidden =
      /\b(process\.|Date\.now\(|new Date\(\)|Math\.random\(|setTimeout\(|setInterval\(|setImmediate\(|console\.)/;
    const guilty = product
      .filter((path) => !path.endsWith('main.ts') && !mayTouchProcess.includes(path))
      .flatMap((path) => {
        const match = forbidden.exec(codeOf(path));
        return match === null ? [] : [`${path}: ${match[0]}`];
      });
    expect(guilty).toEqual([]);
  });

  it('decides no identity by a regular expression', () => {
    const guilty = product
      .filter((path) => covers(withoutRegExp, path))
      .filter((path) =>
        /\bRegExp\b|[=(,:[!&|?]\s*\/(?![/*])(?:[^/\\\n]|\\.)+\/[dgimsuvy]*\s*[.,;)\]]/.test(codeOf(path)),
      );
    expect(guilty).toEqual([]);
  });

  it('mocks no module and fakes no timer', () => {
    const guilty = files.filter(
      (path) =>
        path !== 'test/architecture.test.ts' &&
        /\bvi\.(mock|spyOn|useFakeTimers|stubGlobal)\(/.test(textOf.get(path) ?? ''),
    );
    expect(guilty).toEqual([]);
  });

  it('names no path of one machine', () => {
    const guilty = files.filter(
      (path) => /[\s'"`]\/(home|Users|root)\//.test(textOf.get(path) ?? '') && path !== 'test/architecture.test.ts',
    );
    expect(guilty).toEqual([]);
  });

  it('cites no document that is not in the repository, and no section of one by its number', () => {
    const tracked = new Set(trackedOf('*'));
    const guilty = trackedOf('*.ts', '*.mjs', '*.md', '*.json', '*.yaml')
      .filter((path) => path !== 'test/architecture.test.ts' && path !== 'package-lock.json')
      .flatMap((path) =>
        [...readFileSync(path, 'utf8').matchAll(/([\w./-]+\.md)\b(,? (?:section |§ ?)?\d)?/g)]
          .filter(
            ([, cited = '', section]) =>
              section !== undefined || !['.', dirname(path), 'docs'].some((base) => tracked.has(join(base, cited))),
          )
          .map(([citation]) => `${path}: ${citation}`),
      );
    expect(guilty).toEqual([]);
  });

  it('does nothing when a product file is imported', () => {
    const importable = product.filter((path) => !path.endsWith('main.ts'));
    const probe = `
      const reads = [];
      process.env = new Proxy({}, { get: (_, name) => (typeof name === 'string' && name.startsWith('SALLYPORT') && reads.push(name), undefined) });
      for (const path of ${JSON.stringify(importable)}) await import(process.cwd() + '/' + path);
      const handles = process.getActiveResourcesInfo().filter((kind) => !['TTYWrap', 'PipeWrap', 'FSReqPromise', 'CloseReq'].includes(kind));
      console.log(JSON.stringify({ reads, handles }));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', probe], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(JSON.parse(output)).toEqual({ reads: [], handles: [] });
  }, 60_000);
});
