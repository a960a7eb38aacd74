import { defineConfig } from 'vitest/config';

const notProduct = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  test: {
    update: 'none',
    // Real servers start in hooks: a busy machine may take its time, a hanging one must not.
    hookTimeout: 60_000,
    testTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...notProduct, 'test/scenarios/**', 'test/cluster/**'],
        },
      },
      {
        extends: true,
        test: { name: 'scenarios', include: ['test/scenarios/**/*.test.ts'], exclude: notProduct, testTimeout: 60_000 },
      },
    ],
  },
});
