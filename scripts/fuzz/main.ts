/**
 * `npm run fuzz [-- --seconds N] [--seed N]`: hostile input for everything that parses untrusted bytes, 60 s in all by default. A failure prints the seed.
 */
import { parseArgs } from 'node:util';
import { targets } from './targets.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } } });
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const budgetMs = (Number(values.seconds) * 1000) / targets.length;

console.log(`seed ${seed}`);
for (const { name, fuzz } of targets) {
  const started = performance.now();
  const runs = fuzz(seed, budgetMs);
  console.log(
    `${name}: ${runs} inputs in ${((performance.now() - started) / 1000).toFixed(1)} s, none crashed or was let in`,
  );
}
