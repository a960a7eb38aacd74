/**
 * Everything printed from code. `node scripts/generate.ts` writes it; with `--check` it writes nothing, shows what differs and fails.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { products } from './generate/products.ts';

const isCheck = process.argv.includes('--check');

function current(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function firstDifference(before: string, after: string): string {
  const [a, b] = [before.split('\n'), after.split('\n')];
  const line = b.findIndex((text, index) => text !== a[index]);
  const at = line === -1 ? b.length : line;
  return `line ${at + 1}\n  - ${a[at] ?? '(end of file)'}\n  + ${b[at] ?? '(end of file)'}`;
}

let stale = 0;
for (const { path, print } of products) {
  const text = print();
  const before = current(path);
  if (before === text) {
    continue;
  }
  stale += 1;
  if (isCheck) {
    console.error(`${path} is stale (npm run generate): ${firstDifference(before ?? '', text)}`);
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`wrote ${path}`);
  }
}
if (isCheck && stale > 0) {
  process.exit(1);
}
