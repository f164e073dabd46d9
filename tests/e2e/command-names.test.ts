import { ensureFreshBuild } from '@nereid/test-kit';
import { expect, it } from 'vitest';
import { runCommand } from './run-python.ts';

it.each([
  ['tritonserver', '--help'],
  ['nereid', 'serve', '--help'],
])('npx %s %s prints the flags', async (...command) => {
  ensureFreshBuild();
  const end = await runCommand('npx', ['--no-install', ...command]);
  expect(end.status, end.output).toBe(0);
  for (const flag of ['--model-repository', '--http-port', '--model-control-mode']) {
    expect(end.output).toContain(flag);
  }
});
