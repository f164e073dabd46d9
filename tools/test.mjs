// `npm test`: installs what the tests need, runs the checks and every test, and ends with the line
// `N passed, N failed`. Arguments go to vitest (`npm test -- packages/transport`); then only those run.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './installed.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const report = join(root, '.cache', 'vitest-report.json');
const selection = process.argv.slice(2);
const projects = ['unit', 'fuzz', 'e2e'];

function run(command, args) {
  return new Promise((resolve) => {
    const env = { NEREID_FUZZ_SEED: '20261121', ...process.env };
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', () => resolve(1));
    child.on('close', (code) => resolve(code ?? 1));
  });
}

ensureInstalled();
const { build } = await import('./build.mjs');
await build();
if (selection.length === 0) {
  const { ensurePythonEnv } = await import('./python-env.mjs');
  await ensurePythonEnv();
}

let passed = 0;
let failed = 0;
if (selection.length === 0) {
  if ((await run(process.execPath, [join(root, 'tools', 'check.mjs')])) === 0) passed++;
  else failed++;
}
mkdirSync(dirname(report), { recursive: true });
rmSync(report, { force: true });
const status = await run(join(root, 'node_modules', '.bin', 'vitest'), [
  'run',
  ...projects.map((project) => `--project=${project}`),
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...selection,
]);
try {
  const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  passed += numPassedTests;
  // A file that does not even load has failed suites and no failed test.
  failed +=
    numFailedTests === 0 && status !== 0 ? Math.max(1, numFailedTestSuites) : numFailedTests;
} catch {
  failed++;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && status === 0 ? 0 : 1;
