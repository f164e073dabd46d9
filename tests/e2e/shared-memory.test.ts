import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exampleModels } from './checkout.ts';
import { runPytest, runPython } from './run-python.ts';
import { type TemporaryRepository, temporaryRepository } from './temporary-repository.ts';

let server: ServerProcess;
let everyType: TemporaryRepository;

beforeAll(async () => {
  everyType = temporaryRepository({});
  const made = await runPython('make_repository.py', [everyType.path]);
  expect(made.status, made.output).toBe(0);
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${exampleModels}`,
      `--model-repository=${everyType.path}`,
      '--allow-client-shm=true',
    ],
  });
});
afterAll(async () => {
  const end = await server?.stop();
  everyType.remove();
  expect(end?.status).toBe(0);
});

it
  .runIf(process.platform === 'linux')
  .each(['test_shared_memory.py', 'test_shared_memory_tensors.py'])('%s', async (file) => {
  const summary = await runPytest(file, {
    NEREID_URL: `127.0.0.1:${server.port}`,
    NEREID_GRPC_URL: `127.0.0.1:${server.grpcPort}`,
    NEREID_METRICS_URL: server.metricsUrl ?? '',
  });
  expect(summary).toMatch(/^\d+ passed/u);
});
