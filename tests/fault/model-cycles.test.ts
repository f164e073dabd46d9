import { readFileSync } from 'node:fs';
import {
  childrenOf,
  descriptorsOf,
  eventually,
  residentBytes,
  ServerProcess,
  threadCount,
} from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { javascriptConfig, javascriptModel } from '../e2e/javascript-models.ts';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from '../e2e/python-models.ts';
import { temporaryRepository } from '../e2e/temporary-repository.ts';
import { control, inferJson } from '../e2e/vector-inference.ts';

/** Loads and unloads of each kind of model. More of them (NEREID_MODEL_CYCLES) find smaller leaks. */
const cycleCount = Number(process.env['NEREID_MODEL_CYCLES'] ?? 200);
/** Models that come and go at the same time. */
const parallelCount = 4;
/** Of a tensor that travels in shared memory. Were one kept of each cycle, it would be seen in `residentGrowthBytesMax`. */
const largeTensorBytes = 4_000_000;
/** Mappings of bodies that wait to be used again, or collected. */
const bodyMappingsMax = 32;
/** By which the server may be larger after all cycles than after the first quarter. */
const residentGrowthBytesMax = 64 * 1024 * 1024;

const repository = temporaryRepository(
  Object.fromEntries(
    Array.from({ length: parallelCount }, (_, index) => [
      [`python_${index}/config.pbtxt`, pythonConfig()],
      [`python_${index}/1/model.py`, pythonModel('y = x + 1')],
      [`javascript_${index}/config.pbtxt`, javascriptConfig()],
      [`javascript_${index}/1/model.js`, javascriptModel('y = x.map((value) => value + 1);')],
    ]).flat(),
  ),
);
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      pythonRuntimeFlag(),
    ],
  });
});

afterAll(async () => {
  const { status } = await server.stop();
  repository.remove();
  expect(status).toBe(0);
});

const largeHead = JSON.stringify({
  inputs: [
    {
      name: 'X',
      shape: [largeTensorBytes / 4],
      datatype: 'INT32',
      parameters: { binary_data_size: largeTensorBytes },
    },
  ],
  parameters: { binary_data_output: true },
});
const largeBody = Buffer.concat([Buffer.from(largeHead), Buffer.alloc(largeTensorBytes)]);

/** @returns the bytes of the answer's body */
async function inferLarge(model: string): Promise<number> {
  const answer = await fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    headers: { 'Inference-Header-Content-Length': String(Buffer.byteLength(largeHead)) },
    body: largeBody,
  });
  return (await answer.arrayBuffer()).byteLength;
}

async function cycle(model: string): Promise<void> {
  expect(await control(server.url, model, 'load')).toBe('');
  expect((await inferJson(server.url, model, [1, 2])).data).toEqual([2, 3]);
  expect(await inferLarge(model)).toBeGreaterThan(largeTensorBytes);
  expect(await control(server.url, model, 'unload')).toBe('');
}

async function cycles(kind: string, count: number): Promise<void> {
  for (let done = 0; done < count; done += parallelCount) {
    await Promise.all(
      Array.from({ length: parallelCount }, (_, index) => cycle(`${kind}_${index}`)),
    );
  }
  await eventually(() => childrenOf(server.pid).length === 0);
}

function mappings(): readonly string[] {
  return readFileSync(`/proc/${server.pid}/maps`, 'utf8').split('\n');
}

/** Regions of memory without a name, and the named ones of shared memory, that the server holds or maps. */
function regions(): readonly string[] {
  return [...descriptorsOf(server.pid), ...mappings().filter((line) => !isOfBody(line))].filter(
    (line) =>
      line.includes('/memfd:') || line.includes('/dev/shm/') || /\/proc\/\d+\/fd/u.test(line),
  );
}

/** What a body was read into while there were workers. It may be read into again, until it is collected. */
function isOfBody(line: string): boolean {
  return line.includes('/memfd:nereid_tensors');
}

describe.each(['python', 'javascript'])('models in %s that come and go', (kind) => {
  it(`leave no process, thread, descriptor or memory behind (${cycleCount} times)`, async () => {
    await cycles(kind, cycleCount / 4);
    await eventually(() => regions().length === 0);
    const before = {
      descriptors: descriptorsOf(server.pid).length,
      threads: threadCount(server.pid),
      resident: residentBytes(server.pid),
    };
    await cycles(kind, (cycleCount * 3) / 4);
    await eventually(() => regions().length === 0);
    // Sockets of the client come and go at their own pace, and one thread more or less is Node's.
    await eventually(() => descriptorsOf(server.pid).length <= before.descriptors + parallelCount);
    await eventually(() => threadCount(server.pid) <= before.threads + 1);
    expect(residentBytes(server.pid) - before.resident).toBeLessThan(residentGrowthBytesMax);
    expect(mappings().filter(isOfBody).length).toBeLessThan(bodyMappingsMax);
  }, 300_000);
});
