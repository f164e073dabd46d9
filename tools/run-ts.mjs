// Runs a TypeScript file of the workspace from its sources: `node tools/run-ts.mjs FILE [args]`.
import { spawnSync } from 'node:child_process';

const result = spawnSync(
  process.execPath,
  ['--conditions=nereid-source', '--import=tsx', ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
process.exit(result.status ?? 1);
