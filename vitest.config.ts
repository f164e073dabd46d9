import { defineConfig, type ViteUserConfig } from 'vitest/config';

const conditions = ['nereid-source'];
const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
};

/**
 * Times are only waited for in full where something is broken: they are long, for a machine that does much else. A
 * test that asserts nothing fails.
 */
const expectations = { poll: { timeout: 20_000 }, requireAssertions: true };

const config: ViteUserConfig = defineConfig({
  ...shared,
  test: {
    pool: 'forks',
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          expect: expectations,
          setupFiles: ['tools/fuzz-seed.ts'],
          include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'fuzz',
          expect: expectations,
          setupFiles: ['tools/fuzz-seed.ts'],
          include: ['fuzz/**/*.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'e2e',
          expect: expectations,
          include: ['tests/**/*.test.ts'],
          testTimeout: 120_000,
          // Two servers, each of which says itself what kept it from starting.
          hookTimeout: 240_000,
        },
      },
    ],
  },
});

export default config;
