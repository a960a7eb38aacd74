#!/usr/bin/env node
// Runs under any Node from 20 on and starts the program under the one that this package pins.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findNode, whatStops } from './pinned-node.mjs';

const node = findNode();
const problem = whatStops(node);
if (problem !== undefined) {
  process.stderr.write(`sallyport: ${problem}\n`);
  process.exit(2);
}
const run = spawnSync(node, [fileURLToPath(new URL('./main.ts', import.meta.url)), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
if (run.signal !== null) {
  process.kill(process.pid, run.signal);
}
process.exit(run.status ?? 2);
