/**
 * `npm run bench [-- subject...] [--json]`: figures of this machine, now. Compare within one run only. Each subject can be run by itself.
 */
import { parseArgs } from 'node:util';
import type { Figure } from './figure.ts';
import { subjects } from './subjects.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => subjects.every((subject) => subject.name !== name));
if (unknown.length > 0) {
  console.error(`no such subject: ${unknown.join(', ')}; there are ${subjects.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const text = ({ value, unit, range }: Figure): string =>
  value === 'void'
    ? 'void'
    : `${value.toPrecision(4)} ${unit}${range === undefined ? '' : ` (${range[0].toPrecision(4)} to ${range[1].toPrecision(4)})`}`;

const results: Record<string, readonly Figure[]> = {};
for (const { name, run } of subjects.filter(
  (subject) => positionals.length === 0 || positionals.includes(subject.name),
)) {
  const figures = await run();
  results[name] = figures;
  if (!values.json) {
    console.log(`\n${name}`);
    for (const figure of figures) {
      const goal = figure.goal === undefined ? '' : `  goal ${figure.goal}${figure.met === false ? '  NOT MET' : ''}`;
      console.log(`  ${figure.name.padEnd(58)} ${text(figure).padEnd(44)}${goal}`);
    }
  }
}
if (values.json) {
  console.log(JSON.stringify({ node: process.version, cores: navigator.hardwareConcurrency, results }, null, 2));
}
process.exit(0);
