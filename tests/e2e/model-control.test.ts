import { ServerProcess } from '@nereid/test-kit';
import { expect, it } from 'vitest';
import { exampleModels } from './checkout.ts';
import { runPytest } from './run-python.ts';

it('loads and unloads as the client asks', async () => {
  const server = await ServerProcess.start({
    flags: [
      `--model-repository=${exampleModels}`,
      '--model-control-mode=explicit',
      '--load-model=simple',
    ],
  });
  const summary = await runPytest('test_model_control.py', {
    NEREID_URL: `127.0.0.1:${server.port}`,
  });
  expect(summary).toMatch(/^\d+ passed/u);
  expect((await server.stop()).status).toBe(0);
});

it('loads everything with --load-model=*', async () => {
  const server = await ServerProcess.start({
    flags: [
      `--model-repository=${exampleModels}`,
      '--model-control-mode=explicit',
      '--load-model=*',
    ],
  });
  const index = await fetch(`${server.url}/v2/repository/index`, { method: 'POST' });
  const entries = (await index.json()) as { name: string; state: string }[];
  expect(entries.map(({ name }) => name).sort()).toContain('language');
  expect(entries.map(({ state }) => state)).toEqual(entries.map(() => 'READY'));
  expect((await server.stop()).status).toBe(0);
});
