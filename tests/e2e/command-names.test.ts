import { ensureFreshBuild } from '@nereid/test-kit';
import { expect, it } from 'vitest';
import { runCommand } from './run-command.ts';

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

it('npx nereid tells its version, and ends with 2 for what it does not know', async () => {
  ensureFreshBuild();
  const version = await runCommand('npx', ['--no-install', 'nereid', '--version']);
  expect(version.output).toMatch(/^\d+\.\d+\.\d+\S*$/mu);
  const unknown = await runCommand('npx', ['--no-install', 'nereid', 'sreve']);
  expect(unknown.status).toBe(2);
  expect(unknown.output).toContain("unknown command 'sreve'");
});
