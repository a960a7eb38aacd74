import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/* The module runs under whatever Node a person has, so it is tried as one: in a process of its own. */

const module = fileURLToPath(new URL('./pinned-node.mjs', import.meta.url));
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-node-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function evaluate(expression: string): unknown {
  const script = `import(${JSON.stringify(module)}).then((pinned) => console.log(JSON.stringify(${expression} ?? null)))`;
  return JSON.parse(execFileSync(process.execPath, ['--eval', script], { encoding: 'utf8' }));
}

function standIn(name: string, lines: readonly string[]): string {
  const path = join(directory, name);
  writeFileSync(path, ['#!/bin/sh', ...lines].join('\n'));
  chmodSync(path, 0o755);
  return path;
}

describe('the pinned Node', () => {
  it('is found, and runs', () => {
    expect(evaluate('pinned.whatStops(pinned.findNode())')).toBeNull();
  });

  it('names the package of a missing system library, in one line', () => {
    const node = standIn('no-atomic', [
      "echo 'node: error while loading shared libraries: libatomic.so.1: cannot open shared object file: No such file or directory' >&2",
      'exit 127',
    ]);
    const said = evaluate(`pinned.whatStops(${JSON.stringify(node)})`);
    expect(said).toMatch(
      /^Node 26 needs the system library libatomic\.so\.1: install libatomic1 on Debian and Ubuntu[^\n]*$/,
    );
  });

  it('says what a binary said that does not start for another reason, and nothing more', () => {
    const node = standIn('other', ["echo 'Illegal instruction' >&2", "echo 'core dumped' >&2", 'exit 132']);
    expect(evaluate(`pinned.whatStops(${JSON.stringify(node)})`)).toBe('Node 26 does not start: Illegal instruction');
  });

  it('says how to get one where there is none', () => {
    expect(evaluate('pinned.whatStops(undefined)')).toMatch(/npm ci/);
  });
});
