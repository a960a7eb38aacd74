/**
 * `npm test`: unit tests and scenarios, then what was skipped for want of outside data or programs, then the runner's own counts as one line.
 * Arguments go to vitest.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';

const reportFile = 'coverage/vitest.json';

const report = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  testResults: z.array(
    z.object({ name: z.string(), assertionResults: z.array(z.object({ title: z.string(), status: z.string() })) }),
  ),
});

mkdirSync('coverage', { recursive: true });
rmSync(reportFile, { force: true });
const run = spawnSync(
  'vitest',
  ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`, ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = report.parse(
  JSON.parse(readFileSync(reportFile, 'utf8')),
);

const vectors = testResults.filter(({ name }) => name.includes('/test/vectors/'));
const skippedVectors = vectors.filter(({ assertionResults }) =>
  assertionResults.every(({ status }) => status === 'pending' || status === 'skipped'),
);
const suiteName = (path: string): string => path.replace(/^.*\/test\/vectors\//, '').replace(/\.test\.ts$/, '');
const names = skippedVectors.map(({ name }) => suiteName(name)).join(', ');
console.log(
  `vectors: ${vectors.length - skippedVectors.length} run, ${skippedVectors.length} skipped${names === '' ? '' : `: ${names}`}`,
);
console.log(`tests: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`);
process.exitCode = run.status ?? 1;
