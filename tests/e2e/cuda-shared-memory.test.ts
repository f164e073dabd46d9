import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GrpcClient,
  GrpcWebClient,
  HttpClient,
  type InferenceClient,
  tensor,
} from '@nereid/client';
import { HttpClient as FetchClient } from '@nereid/client/browser';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildFakeCuda, fakeCuda } from './fake-cuda.ts';
import { runPytest, runPython } from './run-python.ts';
import { type TemporaryRepository, temporaryRepository } from './temporary-repository.ts';

const { usable, reason } = fakeCuda;
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
  buildFakeCuda(library);
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

/** As the stand-in takes handles. */
function handle(first: number): Uint8Array {
  return Uint8Array.from({ length: 64 }, (_, at) => first + at);
}

/** Sends a tensor through two regions, in whatever protocol. */
async function useRegions(client: InferenceClient): Promise<void> {
  await client.registerCudaSharedMemory('one', handle(1), 4096);
  await client.registerCudaSharedMemory('two', handle(2), 5000, 0);
  const regions = (await client.cudaSharedMemoryStatus()).toSorted((a, b) =>
    a.name.localeCompare(b.name),
  );
  expect(regions).toEqual([
    { name: 'one', device_id: 0, byte_size: 4096 },
    { name: 'two', device_id: 0, byte_size: 5000 },
  ]);
  expect(await client.cudaSharedMemoryStatus('two')).toEqual([regions[1]]);
  await expect(client.registerCudaSharedMemory('one', handle(1), 1)).rejects.toMatchObject({
    message: "shared memory region 'one' already in manager",
  });
  await expect(client.registerCudaSharedMemory('r', handle(1), 1, 3)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: 'failed to register shared memory region: invalid args',
  });
  const input = tensor('FP32', [4], [1, 2, 3, 4]);
  const inTwo = { region: 'two', byteSize: 16, offset: 8 };
  const written = await client.infer(
    'identity_FP32',
    { INPUT0: input },
    { outputs: [{ name: 'OUTPUT0', sharedMemory: inTwo }] },
  );
  expect(written.outputs.size).toBe(0);
  const read = await client.infer('identity_FP32', {
    INPUT0: { ...inTwo, datatype: 'FP32', shape: [4] },
  });
  expect(read.output('OUTPUT0', 'FP32').data).toEqual(input.data);
  await client.unregisterCudaSharedMemory('one');
  await expect(client.cudaSharedMemoryStatus('one')).rejects.toMatchObject({
    message: "Unable to find cuda shared memory region: 'one'",
  });
  await client.unregisterCudaSharedMemory();
  expect(await client.cudaSharedMemoryStatus()).toEqual([]);
}

it.skipIf(!usable)(`the clients of Node use regions of CUDA${reason}`, async () => {
  buildFakeCuda(library);
  const server = await ServerProcess.start({ flags: flags(), env: { LD_LIBRARY_PATH: library } });
  const clients = [
    new HttpClient(server.url),
    new GrpcClient(`127.0.0.1:${server.grpcPort}`),
    new FetchClient(server.url),
    new GrpcWebClient(server.url),
  ];
  for (const client of clients) {
    await useRegions(client);
    await client.close();
  }
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
