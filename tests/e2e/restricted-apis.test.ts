import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exampleModels } from './checkout.ts';
import { runPytest } from './run-python.ts';

let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${exampleModels}`,
      '--http-restricted-api=model-repository,statistics,inference:admin-key=secret one',
    ],
  });
});
afterAll(async () => {
  const end = await server?.stop();
  expect(end?.status).toBe(0);
});

it('test_restricted_apis.py', async () => {
  const summary = await runPytest('test_restricted_apis.py', {
    NEREID_URL: `127.0.0.1:${server.port}`,
    NEREID_METRICS_URL: server.metricsUrl ?? '',
  });
  expect(summary).toMatch(/^\d+ passed/u);
});
