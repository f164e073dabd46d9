// `npm run check`: format, lint, types, layers, dead code. Everything runs, then the verdict.
import { spawn } from 'node:child_process';

const checks = [
  ['format and lint', 'biome', ['check', '--error-on-warnings', '.']],
  ['types', 'tsc', []],
  ['layers', 'depcruise', ['--config', '.dependency-cruiser.cjs', 'packages']],
  ['dead code', 'knip', []],
];

function run([name, command, args]) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(`node_modules/.bin/${command}`, args);
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ name, ok: false, output: String(error) }));
    child.on('close', (code) => resolve({ name, ok: code === 0, output }));
  });
}

const results = await Promise.all(checks.map(run));
for (const { name, ok, output } of results) {
  if (!ok) console.log(`${output.trimEnd()}\n`);
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
}
process.exit(results.every(({ ok }) => ok) ? 0 : 1);
