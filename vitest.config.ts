import { defineConfig } from 'vitest/config';

const notProduct = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  test: {
    update: 'none',
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
