import { ServerProcess } from '@nereid/test-kit';
import { expect, it } from 'vitest';
import { ensureRealModels } from '../../tools/real-models.mjs';
import { runPytest } from './run-python.ts';

const models = ensureRealModels();
const reason = models.available ? '' : ` (skipped: ${models.reason})`;

it.skipIf(!models.available)(`real models give their real answers${reason}`, async () => {
  if (!models.available) return;
  const server = await ServerProcess.start({ flags: [`--model-repository=${models.repository}`] });
  const summary = await runPytest('test_real_models.py', {
    NEREID_URL: `127.0.0.1:${server.port}`,
    NEREID_MODELS: models.repository,
  });
  expect(summary).toMatch(/^\d+ passed/u);
  expect((await server.stop()).status).toBe(0);
});
