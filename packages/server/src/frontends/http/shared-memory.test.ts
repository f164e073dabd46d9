import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { emptyModelConfig, modelConfigFromJson } from '@nereid/protocol';
import { type FakeExecute, FakeServedModel } from '@nereid/test-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../core/logger.ts';
import { SharedMemoryRegistry } from '../../memory/shared-memory-registry.ts';
import { createHttpHandler } from './http-handler.ts';
import { exchange } from './testing/exchange.ts';
import { httpContext } from './testing/http-context.ts';

const key = `/nereid-routes-${process.pid}`;
const file = `/dev/shm${key}`;
const byteSize = 4 * 1024 * 1024;

const registry = new SharedMemoryRegistry({ allowed: true, logger: silentLogger });
const echo: FakeExecute = ({ inputs }) => inputs.map((input) => ({ ...input, name: 'OUTPUT0' }));
const config = modelConfigFromJson(
  JSON.stringify({
    input: [{ name: 'INPUT0', data_type: 'TYPE_UINT8', dims: [-1] }],
    output: [{ name: 'OUTPUT0', data_type: 'TYPE_UINT8', dims: [-1] }],
  }),
);
const model = new FakeServedModel({
  execute: echo,
  name: 'm',
  config: { ...emptyModelConfig(), ...config, name: 'm' },
});
const handler = createHttpHandler(httpContext([model], { sharedMemory: registry }));

async function post(path: string, body: unknown = ''): Promise<[number, unknown]> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const reply = await exchange(handler, { method: 'POST', path, body: text });
  return [reply.status, reply.text() === '' ? '' : JSON.parse(reply.text())];
}

const registerPath = '/v2/systemsharedmemory/region/r/register';

function at(offset: number, size: number): object {
  return {
    shared_memory_region: 'r',
    shared_memory_offset: offset,
    shared_memory_byte_size: size,
  };
}

/** Infers with an input of so many bytes from the start of the region, and the output behind it. */
async function infer(size: number, outputSize: number = size): Promise<[number, unknown]> {
  return post('/v2/models/m/infer', {
    inputs: [{ name: 'INPUT0', shape: [size], datatype: 'UINT8', parameters: at(0, size) }],
    outputs: [{ name: 'OUTPUT0', parameters: at(byteSize / 2, outputSize) }],
  });
}

beforeEach(async () => {
  const content = Buffer.alloc(byteSize);
  content.fill('abcdefg', 0, byteSize / 2);
  writeFileSync(file, content);
  expect(await post(registerPath, { key, byte_size: byteSize })).toEqual([200, '']);
});
afterEach(async () => {
  expect(await post('/v2/systemsharedmemory/unregister')).toEqual([200, '']);
  rmSync(file, { force: true });
  expect(registry.systemStatus('')).toEqual([]);
  expect(registry.copiedBytes).toBe(0);
});

describe.runIf(process.platform === 'linux')('shared memory over HTTP', () => {
  // The second one takes the way over another thread.
  it.each([7, byteSize / 2])('reads %s bytes from a region and writes them to it', async (size) => {
    const outputs = [{ name: 'OUTPUT0', datatype: 'UINT8', shape: [size] }];
    expect(await infer(size)).toEqual([200, { model_name: 'm', model_version: '1', outputs }]);
    const after = readFileSync(file);
    const half = byteSize / 2;
    expect(after.subarray(half, half + size).equals(after.subarray(0, size))).toBe(true);
    expect(after.subarray(half + size).every((byte) => byte === 0)).toBe(true);
  });

  it('says how much room an output needs', async () => {
    expect(await infer(7, 6)).toEqual([
      500,
      {
        error:
          "shared memory size specified with the request for output 'OUTPUT0' (6 bytes) should be at least 7 bytes to hold the results",
      },
    ]);
    expect(readFileSync(file).subarray(byteSize / 2, byteSize / 2 + 7)).toEqual(Buffer.alloc(7));
  });

  it.each([
    [100, 1],
    [100, byteSize / 2],
    [byteSize / 2 + 1, 7],
  ])('answers after the object has shrunk to %s, %s bytes asked for', async (left, size) => {
    truncateSync(file, left);
    const [status, { error }] = (await infer(size)) as [number, { error: string }];
    expect([status, error]).toEqual([400, expect.stringContaining('was made smaller')]);
    expect(readFileSync(file)).toHaveLength(left);
  });

  it('refuses what is wrong with a registration', async () => {
    const path = '/v2/systemsharedmemory/region/s/register';
    const bad = async (body: unknown, where = path): Promise<unknown> => {
      const [status, { error }] = (await post(where, body)) as [number, { error: string }];
      return `${status} ${error}`;
    };
    expect(await bad({ byte_size: 1 })).toBe(
      "400 Shared memory register request has no 'key' field",
    );
    expect(await bad({ key })).toBe("400 Shared memory register request has no 'byte_size' field");
    expect(await bad('')).toContain('500 failed to parse the request JSON buffer');
    expect(await bad({ key: 5, byte_size: 1 })).toContain('500 attempt to access JSON non-string');
    const unsigned = '500 attempt to access JSON non-unsigned-integer as unsigned-integer';
    for (const size of ['-1', '1.0', '"1"', 'null', '18446744073709551616']) {
      expect(await bad(`{"key":"${key}","byte_size":${size}}`)).toBe(unsigned);
    }
    const wraps = `{"key":"${key}","offset":18446744073709547520,"byte_size":8192}`;
    expect(await bad(wraps)).toBe("400 failed to register shared memory region 's': invalid args");
    expect(await bad({}, '/v2/systemsharedmemory/register')).toBe(
      "400 'region name' is necessary to register system shared memory region",
    );
    const cuda = '/v2/cudasharedmemory/region/c/register';
    const handle = { raw_handle: { b64: '' } };
    expect(await bad(handle, cuda)).toContain("non-existing object member 'byte_size'");
    expect(await bad({ ...handle, byte_size: 1, device_id: 0 }, cuda)).toBe(
      "400 'raw_handle' must be a valid base64 encoded cudaIpcMemHandle_t",
    );
  });

  it('keeps a region that is unregistered while its bytes are read', async () => {
    const pending = infer(byteSize / 2);
    expect(await post('/v2/systemsharedmemory/region/r/unregister')).toEqual([200, '']);
    expect((await pending)[0]).toBe(200);
    expect(registry.systemStatus('')).toEqual([]);
  });
});
