/** The one command before every push: generated files, format, types, lint, tests. Stops at the first failure. */
import { spawnSync } from 'node:child_process';

const steps: readonly (readonly string[])[] = [
  ['node', 'scripts/generate.ts', '--check'],
  ['biome', 'ci', '.'],
  ['tsc', '-p', '.'],
  ['oxlint', '--deny-warnings', '--report-unused-disable-directives'],
  ['node', 'scripts/test.ts'],
];

for (const [command = '', ...args] of steps) {
  const started = performance.now();
  const result = spawnSync(command, args, { stdio: 'inherit' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${result.status === 0 ? 'ok' : 'FAILED'}  ${[command, ...args].join(' ')}  (${seconds} s)`);
  if (result.status !== 0) {
    process.exit(1);
  }
}
