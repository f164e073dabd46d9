import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exampleModels } from './checkout.ts';
import { runPytest, runPython } from './run-python.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

let server: ServerProcess;
let everyType: TemporaryRepository;

beforeAll(async () => {
  everyType = temporaryRepository({
    'slow/config.pbtxt': identityConfig(
      'INT32',
      'parameters { key: "execute_delay_ms" value { string_value: "2000" } }',
    ),
    'slow/1/': '',
  });
  const made = await runPython('make_repository.py', [everyType.path]);
  expect(made.status, made.output).toBe(0);
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${exampleModels}`,
      `--model-repository=${everyType.path}`,
      '--grpc-infer-response-compression-level=low',
    ],
  });
});
afterAll(async () => {
  const end = await server?.stop();
  everyType.remove();
  expect(end?.status).toBe(0);
});

it.each(['test_grpc_client.py', 'test_grpc_aio_client.py', 'test_grpc_every_datatype.py'])(
  '%s',
  async (file) => {
    const summary = await runPytest(file, {
      NEREID_URL: `127.0.0.1:${server.port}`,
      NEREID_GRPC_URL: `127.0.0.1:${server.grpcPort}`,
      NEREID_METRICS_URL: server.metricsUrl ?? '',
    });
    expect(summary).toMatch(/^\d+ passed/u);
  },
);
