import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  type DataType,
  GrpcClient,
  GrpcWebClient,
  HttpClient,
  type InferenceClient,
  tensor,
} from '@nereid/client';
import { HttpClient as FetchClient } from '@nereid/client/browser';
import { ServerProcess } from '@nereid/test-kit';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkout, exampleModels } from './checkout.ts';
import { runCommand } from './run-command.ts';
import {
  identityConfig,
  identityModels,
  repeatConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';
import { samples } from './tensor-samples.ts';

const datatypes = Object.keys(samples) as DataType[];

const delay = 'parameters { key: "execute_delay_ms" value: { string_value: "500" } }';

const protocols = ['http', 'fetch', 'grpc', 'grpcWeb'] as const;

let repository: TemporaryRepository;
let server: ServerProcess;
let clients: Record<(typeof protocols)[number], InferenceClient>;

beforeAll(async () => {
  repository = temporaryRepository({
    ...identityModels(datatypes),
    'slow/config.pbtxt': identityConfig('INT32', delay),
    'slow/1/': '',
    'repeat/config.pbtxt': repeatConfig,
    'repeat/1/': '',
  });
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      `--model-repository=${exampleModels}`,
      '--model-control-mode=explicit',
      '--load-model=*',
    ],
  });
  clients = {
    http: new HttpClient(server.url),
    fetch: new FetchClient(server.url),
    grpc: new GrpcClient(`127.0.0.1:${server.grpcPort}`),
    grpcWeb: new GrpcWebClient(server.url),
  };
});
afterAll(async () => {
  for (const client of Object.values(clients ?? {})) await client.close();
  await server?.stop();
  repository?.remove();
});

describe.each(protocols)('the client over %s', (protocol) => {
  const client = () => clients[protocol];

  it.each(datatypes)('sends and gets %s', async (datatype) => {
    const sent = samples[datatype];
    const result = await client().infer(`identity_${datatype}`, { INPUT0: sent }, { id: 'x' });
    const output = result.output('OUTPUT0', datatype);
    expect(output.data).toEqual(sent.data);
    expect(output.shape).toEqual([2]);
    expect([result.id, result.modelName, result.modelVersion]).toEqual([
      'x',
      `identity_${datatype}`,
      '1',
    ]);
  });

  it.each(['gzip', 'deflate'] as const)('compresses with %s both ways', async (compression) => {
    const data = new Int32Array(100_000).fill(7);
    const result = await client().infer(
      'identity_INT32',
      { INPUT0: tensor('INT32', [data.length], data) },
      { requestCompression: compression, responseCompression: compression },
    );
    expect(result.output('OUTPUT0', 'INT32').data).toEqual(data);
  });

  it('classifies', async () => {
    const input = tensor('FP32', [1, 4], [0, 3, 1, 2]);
    const options = { outputs: [{ name: 'OUTPUT0', classCount: 2 }] };
    const flat = { INPUT0: tensor('FP32', [4], input.data) };
    const result = await client().infer('identity_FP32', flat, options);
    expect(result.output('OUTPUT0').strings()).toEqual(['3.000000:1', '2.000000:3']);
  });

  it('tells of the server and its models', async () => {
    expect(await client().isServerLive()).toBe(true);
    expect(await client().isServerReady()).toBe(true);
    expect(await client().isModelReady('simple')).toBe(true);
    expect(await client().isModelReady('nowhere')).toBe(false);
    expect((await client().serverMetadata()).extensions).toContain('statistics');
    expect((await client().modelMetadata('simple')).inputs[0]).toEqual({
      name: 'INPUT0',
      datatype: 'INT32',
      shape: [-1, 16],
    });
    expect(await client().modelConfig('simple')).toMatchObject({
      name: 'simple',
      max_batch_size: 8,
    });
    const index = await client().repositoryIndex(true);
    expect(index.find(({ name }) => name === 'simple')).toEqual({
      name: 'simple',
      version: '1',
      state: 'READY',
      reason: '',
    });
    const [statistics] = await client().statistics('identity_INT32');
    expect(statistics?.inference_stats.success.count).toBeGreaterThan(0);
    expect((await client().logSettings())['log_info']).toBe(true);
    expect(await client().updateLogSettings({ log_verbose_level: 1 })).toMatchObject({
      log_verbose_level: 1,
    });
    await client().updateLogSettings({ log_verbose_level: 0 });
  });

  it('unloads and loads a model', async () => {
    await client().unloadModel('wine');
    expect(await client().isModelReady('wine')).toBe(false);
    await client().loadModel('wine');
    expect(await client().isModelReady('wine')).toBe(true);
    await expect(client().loadModel('nowhere')).rejects.toThrow("failed to load 'nowhere'");
  });

  it('tells refusals by their code and the words of the server', async () => {
    await expect(client().infer('nowhere', {})).rejects.toMatchObject({
      name: 'InferenceError',
      code: 'NOT_FOUND',
      message: "Request for unknown model: 'nowhere' is not found",
    });
    const wrong = { INPUT0: tensor('INT64', [1], [1]) };
    await expect(client().infer('identity_INT32', wrong)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining("data-type is 'INT64'"),
    });
  });

  it('stops waiting when it shall', async () => {
    const signal = AbortSignal.abort();
    await expect(client().serverMetadata({ signal })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('over HTTP', () => {
  it.each(datatypes.filter((datatype) => !['FP16', 'BF16'].includes(datatype)))(
    'sends and gets %s as JSON',
    async (datatype) => {
      const sent = samples[datatype];
      const result = await clients.http.infer(
        `identity_${datatype}`,
        { INPUT0: sent },
        { binary: false, outputs: [{ name: 'OUTPUT0', binary: false }] },
      );
      expect(result.output('OUTPUT0', datatype).data).toEqual(sent.data);
    },
  );
});

describe('over gRPC', () => {
  it('asks a stream one after the other, and gets errors for the request that has them', async () => {
    const grpc = clients.grpc as GrpcClient;
    const stream = await grpc.openStream();
    for (const id of ['1', '2']) {
      await stream.send('identity_INT32', { INPUT0: tensor('INT32', [1], [Number(id)]) }, { id });
    }
    await stream.send('nowhere', {}, { id: '3' });
    stream.end();
    const answers: string[] = [];
    for await (const { result, error } of stream) {
      answers.push(
        error === null ? `${result.id}: ${result.output('OUTPUT0', 'INT32').data}` : error.message,
      );
    }
    expect(answers).toEqual(['1: 1', '2: 2', "Request for unknown model: 'nowhere' is not found"]);
  });
});

describe.each(['grpc', 'grpcWeb'] as const)('streams over %s', (protocol) => {
  const client = () => clients[protocol] as GrpcClient | GrpcWebClient;
  const five = { INPUT0: tensor('INT32', [1], [5]) };

  it('iterate over the answers to one request', async () => {
    const answers = [];
    for await (const result of client().inferStream('identity_INT32', five)) {
      answers.push(result.output('OUTPUT0', 'INT32').data[0]);
    }
    expect(answers).toEqual([5]);
  });

  it('throw what a request fails with', async () => {
    const answers = client().inferStream('nowhere', {});
    await expect(answers.next()).rejects.toMatchObject({
      name: 'InferenceError',
      message: "Request for unknown model: 'nowhere' is not found",
    });
  });

  it('end when they are not read any more', async () => {
    const numbers = { IN: tensor('INT32', [4], [1, 2, 3, 4]) };
    const waits = {
      DELAY: tensor('UINT32', [4], [0, 0, 60_000, 0]),
      WAIT: tensor('UINT32', [1], [0]),
    };
    const [before] = await client().statistics('repeat');
    const failedBefore = before?.inference_stats.fail.count ?? 0;
    const seen: number[] = [];
    for await (const result of client().inferStream('repeat', { ...numbers, ...waits })) {
      seen.push(...result.output('OUT', 'INT32').data);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([1, 2]);
    // Long before the server would have given the third answer.
    await expect
      .poll(async () => (await client().statistics('repeat'))[0]?.inference_stats.fail.count)
      .toBeGreaterThan(failedBefore);
  });

  it('end when their signal says so', async () => {
    const abort = new AbortController();
    const inputs = {
      IN: tensor('INT32', [2], [1, 2]),
      DELAY: tensor('UINT32', [2], [0, 60_000]),
      WAIT: tensor('UINT32', [1], [0]),
    };
    const answers = client().inferStream('repeat', inputs, { signal: abort.signal });
    expect((await answers.next()).value?.output('OUT', 'INT32').data[0]).toBe(1);
    abort.abort();
    await expect(answers.next()).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('end at their deadline', async () => {
    await expect(client().infer('slow', five, { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
  });
});

/** What a page carries that imports `names` from an entry of the package, minified, before compression. */
async function bundleOf(names: string, entry: string): Promise<string> {
  const path = join(checkout, 'packages', 'client', 'dist', entry);
  const { outputFiles } = await build({
    stdin: { contents: `export { ${names} } from ${JSON.stringify(path)}`, resolveDir: checkout },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

it('keeps no process alive that waits for nothing', async () => {
  const script = `import { GrpcClient, HttpClient } from '@nereid/client';
    for (const client of [new GrpcClient('127.0.0.1:${server.grpcPort}'), new HttpClient('${server.url}')]) {
      console.log(await client.isServerLive(), await client.isServerLive());
    }`;
  const { status, output } = await runCommand(process.execPath, [
    '--input-type=module',
    `--eval=${script}`,
  ]);
  expect([status, output]).toEqual([0, 'true true\ntrue true\n']);
});

it('carries a picture over gRPC without a copy', async () => {
  const data = Float32Array.from({ length: 3 * 640 * 640 }, (_, i) => i);
  const inputs = { INPUT0: tensor('FP32', [data.length], data) };
  const result = await clients.grpc.infer('identity_FP32', inputs);
  const output = result.output('OUTPUT0', 'FP32').data;
  expect(Buffer.from(output.buffer, output.byteOffset).equals(Buffer.from(data.buffer))).toBe(true);
  // In the memory of the message itself, which holds names and shapes before it.
  expect(output.byteOffset).toBeGreaterThan(0);
  expect(output.buffer.byteLength - output.byteLength).toBeLessThan(200);
});

it.each([
  ['HttpClient, tensor', 'browser.js', 20],
  ['HttpClient, tensor', 'http.js', 20],
  ['GrpcWebClient, tensor', 'grpc-web.js', 20],
])('%s of %s are small enough for a page', async (names, entry, kibibytesMax) => {
  const bundle = await bundleOf(names, entry);
  expect(gzipSync(bundle).length).toBeLessThan(kibibytesMax * 1024);
  expect(bundle).not.toMatch(/["']node:/u);
});
