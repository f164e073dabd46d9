import { ServerProcess } from '@nereid/test-kit';
import { expect, it } from 'vitest';
import { runPytest, runPython } from '../e2e/run-python.ts';
import { temporaryRepository } from '../e2e/temporary-repository.ts';

it.runIf(process.platform === 'linux')(
  'shared memory that is shrunk and grown all the time ends nothing',
  async () => {
    const repository = temporaryRepository({});
    const made = await runPython('make_repository.py', [repository.path]);
    expect(made.status, made.output).toBe(0);
    const server = await ServerProcess.start({
      flags: [`--model-repository=${repository.path}`, '--allow-client-shm=true'],
    });
    const summary = await runPytest('test_shared_memory_adversary.py', {
      NEREID_URL: `127.0.0.1:${server.port}`,
      NEREID_GRPC_URL: `127.0.0.1:${server.grpcPort}`,
      NEREID_METRICS_URL: server.metricsUrl ?? '',
    });
    expect(summary).toMatch(/^\d+ passed/u);
    const { status } = await server.stop();
    repository.remove();
    expect(status).toBe(0);
  },
);
