import { defineConfig, type ViteUserConfig } from 'vitest/config';

const conditions = ['nereid-source'];
const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
};

/** Waited for in full only where something is broken: long enough for a machine that does much else. */
const poll = { timeout: 20_000 };

const config: ViteUserConfig = defineConfig({
  ...shared,
  test: {
    pool: 'forks',
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          expect: { poll },
          setupFiles: ['tools/fuzz-seed.ts'],
          include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'fuzz',
          expect: { poll },
          setupFiles: ['tools/fuzz-seed.ts'],
          include: ['fuzz/**/*.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'e2e',
          expect: { poll, requireAssertions: true },
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
