import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkout } from './checkout.ts';
import { runPytest, runPython } from './run-python.ts';
import { type TemporaryRepository, temporaryRepository } from './temporary-repository.ts';

const compiler = spawnSync('cc', ['--version']).status === 0;
const usable = compiler && process.platform === 'linux';
const reason = usable ? '' : ' (skipped: needs cc on Linux)';
let repository: TemporaryRepository;
let library: string;

beforeAll(async () => {
  library = mkdtempSync(join(tmpdir(), 'nereid-cuda-'));
  repository = temporaryRepository({});
  const made = await runPython('make_repository.py', [repository.path]);
  expect(made.status, made.output).toBe(0);
});
afterAll(() => {
  repository.remove();
  rmSync(library, { recursive: true });
});

const flags = (): string[] => [`--model-repository=${repository.path}`, '--allow-client-shm=true'];

it.skipIf(!usable)(`a driver in the place of CUDA's is used as CUDA's is${reason}`, async () => {
  const target = join(library, 'libcuda.so.1');
  const source = join(checkout, 'tests', 'e2e', 'fake-cuda.c');
  const built = spawnSync('cc', ['-shared', '-fPIC', '-o', target, source], { encoding: 'utf8' });
  expect(built.status, built.stderr).toBe(0);
  const server = await ServerProcess.start({ flags: flags(), env: { LD_LIBRARY_PATH: library } });
  const summary = await runPytest('test_cuda_shared_memory.py', {
    NEREID_URL: `127.0.0.1:${server.port}`,
    NEREID_GRPC_URL: `127.0.0.1:${server.grpcPort}`,
    NEREID_METRICS_URL: server.metricsUrl ?? '',
  });
  expect(summary).toMatch(/^\d+ passed/u);
  await expect
    .poll(() => server.log)
    .toContain('failed to open CUDA IPC handle: invalid device ordinal');
  expect((await server.stop()).status).toBe(0);
});

it('where there is no GPU, registering says what Triton says there, and the log why', async () => {
  const server = await ServerProcess.start({ flags: flags() });
  const answer = await fetch(`${server.url}/v2/cudasharedmemory/region/r/register`, {
    method: 'POST',
    body: JSON.stringify({
      raw_handle: { b64: Buffer.alloc(64).toString('base64') },
      byte_size: 64,
      device_id: 0,
    }),
  });
  expect([answer.status, await answer.json()]).toEqual([
    400,
    { error: 'failed to register shared memory region: invalid args' },
  ]);
  // The log may be read later than the answer: all of it is there when the server has ended.
  const end = await server.stop();
  expect(end.output).toContain('failed to open CUDA IPC handle: ');
  expect(end.status).toBe(0);
});
