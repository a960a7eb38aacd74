import { describe, expect, it } from 'vitest';
import { targets } from '../scripts/fuzz/targets.ts';

/** Two seconds in all; `npm run fuzz` has a minute and prints the same seed. */
const budgetMs = 2_000 / targets.length;

describe('hostile input', () => {
  for (const { name, fuzz } of targets) {
    it(`crashes nothing and is not let in: ${name}`, () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      console.log(`${name}: seed ${seed}`);
      expect(fuzz(seed, budgetMs)).toBeGreaterThan(0);
    });
  }
});
