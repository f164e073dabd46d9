import { defineConfig, type ViteUserConfig } from 'vitest/config';

const conditions = ['nereid-source'];
const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
};

const config: ViteUserConfig = defineConfig({
  ...shared,
  test: {
    pool: 'forks',
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          setupFiles: ['tools/fuzz-seed.ts'],
          include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'fuzz',
          setupFiles: ['tools/fuzz-seed.ts'],
          include: ['fuzz/**/*.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'e2e',
          include: ['tests/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

export default config;
