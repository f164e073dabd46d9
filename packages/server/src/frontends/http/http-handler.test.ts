import { gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import {
  emptyModelConfig,
  modelConfigFromJson,
  modelConfigToJson,
  type Tensor,
  TritonError,
} from '@nereid/protocol';
import { type FakeExecute, FakeServedModel, type FakeServedModelOptions } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../core/logger.ts';
import { HeaderForwarding } from '../../data-plane/header-forwarding.ts';
import { createHttpHandler } from './http-handler.ts';
import type { HttpContext } from './http-route.ts';
import { routesFor } from './routes.ts';
import { exchange, type Reply, type Sent } from './testing/exchange.ts';
import { httpContext } from './testing/http-context.ts';

const addSub = {
  max_batch_size: 8,
  input: [
    { name: 'INPUT0', data_type: 'TYPE_FP32', dims: [4] },
    { name: 'INPUT1', data_type: 'TYPE_FP32', dims: [4] },
  ],
  output: [
    { name: 'OUTPUT0', data_type: 'TYPE_FP32', dims: [4] },
    { name: 'OUTPUT1', data_type: 'TYPE_FP32', dims: [4] },
  ],
};

function floats(name: string, shape: number[], ...values: number[]): Tensor {
  return { name, dataType: 'FP32', shape, data: Buffer.from(new Float32Array(values).buffer) };
}

/** Answers with the two inputs, as they came. */
const echo: FakeExecute = ({ inputs }) =>
  inputs.map((input, index) => ({ ...input, name: `OUTPUT${index}` }));

function served(
  config: object = addSub,
  options: FakeServedModelOptions = { execute: echo },
): FakeServedModel {
  const parsed = { ...emptyModelConfig(), ...modelConfigFromJson(JSON.stringify(config)) };
  return new FakeServedModel({ ...options, name: 'm', config: { ...parsed, name: 'm' } });
}

const controlPlane = {
  isLive: () => true,
  isReady: () => false,
  isModelReady: (name: string) => name === 'm',
  serverMetadata: () => ({ name: 'triton', version: '2.73.0', extensions: ['statistics'] }),
  modelMetadata: (name: string, version: number | null) => {
    if (name !== 'm') {
      throw new TritonError('NOT_FOUND', `Request for unknown model: '${name}' is not found`);
    }
    const versions = [String(version ?? 1)];
    return { name, versions, platform: 'onnxruntime_onnx', inputs: [], outputs: [] };
  },
  modelConfig: (name: string) => ({ ...emptyModelConfig(), name }),
  statistics: () => [],
  batching: () => ({
    batch_count: 0,
    request_count: 0,
    reasons: {} as never,
    batch_sizes: [],
    pending_count: 0,
  }),
  repositoryIndex: async (readyOnly: boolean) =>
    readyOnly ? [] : [{ name: 'm', version: '1', state: 'READY' }],
  servingModels: async () => [{ name: 'm', loadedAtMs: 1_000 }],
  loadModel: async () => {},
  unloadModel: async () => {},
};

function context(model: FakeServedModel, more: Partial<HttpContext> = {}): HttpContext {
  return httpContext([model], { controlPlane, ...more });
}

async function ask(sent: Sent, more: Partial<HttpContext> = {}, model = served()): Promise<Reply> {
  return exchange(createHttpHandler(context(model, more)), sent);
}

const inferPath = '/v2/models/m/infer';
const oneInput = { name: 'INPUT0', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] };
const twoInputs = [oneInput, { ...oneInput, name: 'INPUT1', data: [10, 20, 30, 40] }];

async function infer(
  body: object,
  headers: Sent['headers'] = {},
  model = served(),
): Promise<Reply> {
  return ask({ method: 'POST', path: inferPath, headers, body: JSON.stringify(body) }, {}, model);
}

function error(reply: Reply): unknown {
  return [reply.status, reply.header('content-type'), JSON.parse(reply.text()).error];
}

describe('routing', () => {
  it.each(['/', '/v2/', '/v2//models/m', '/v2/models/%2e%2e%2f/x', '/metrics'])(
    'answers %s with 404',
    async (path) => {
      expect(error(await ask({ method: 'GET', path }))).toEqual([404, 'text/plain', 'Not Found']);
    },
  );

  it('answers every wrong method on every route with 405, under the type of its errors', async () => {
    const methods = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'PROPFIND'];
    const options = { maxInputBytes: 1000, openAi: { defaultMaxTokens: 1 } };
    for (const route of routesFor(options)) {
      const path = route.path.replaceAll(/\[[^\]]*\]/g, '').replaceAll(/\{[a-z]+\}/g, 'x');
      for (const method of methods.filter((name) => !route.methods.includes(name))) {
        const reply = await ask({ method, path }, { options });
        expect([method, path, reply.status]).toEqual([method, path, 405]);
        expect(reply.header('content-type')).toBe(route.contentType);
      }
    }
  });

  it('takes names as they stand in the path', async () => {
    for (const name of ['..', '%00', '%2e%2e%2f', '__proto__', 'constructor', 'toString']) {
      const reply = await ask({ method: 'POST', path: `/v2/models/${name}/infer` });
      expect(error(reply)).toEqual([
        404,
        'text/plain',
        `Request for unknown model: '${name}' is not found`,
      ]);
    }
  });
});

describe('control endpoints', () => {
  it('answer health with a status and no body', async () => {
    for (const [path, status] of [
      ['/v2/health/live', 200],
      ['/v2/health/ready', 400],
      ['/v2/models/m/ready', 200],
    ] as const) {
      const reply = await ask({ method: 'GET', path });
      expect([reply.status, reply.header('content-type'), reply.text()]).toEqual([
        status,
        'text/plain',
        '',
      ]);
    }
    for (const path of ['/v2/models/x/ready', '/v2/models/gone/versions/1/ready']) {
      expect(error(await ask({ method: 'GET', path }))).toEqual([
        400,
        'text/plain',
        'Model version not ready',
      ]);
    }
  });

  it('answer what the control plane says, as JSON', async () => {
    for (const [path, expected] of [
      ['/v2', controlPlane.serverMetadata()],
      ['/v2/models/m', controlPlane.modelMetadata('m', null)],
      ['/v2/models/m/versions/7', controlPlane.modelMetadata('m', 7)],
      ['/v2/models/stats', { model_stats: [] }],
      ['/v2/models', { models: [{ name: 'm', version: '1', state: 'READY' }] }],
      ['/v2/systemsharedmemory/status', []],
      ['/v2/cudasharedmemory/status', []],
    ] as const) {
      const reply = await ask({ method: 'GET', path });
      expect([reply.status, reply.header('content-type')]).toEqual([200, 'application/json']);
      expect(JSON.parse(reply.text())).toEqual(expected);
    }
  });

  it('print the configuration as the protocol does', async () => {
    const reply = await ask({ method: 'GET', path: '/v2/models/m/config' });
    expect(reply.text()).toBe(modelConfigToJson({ ...emptyModelConfig(), name: 'm' }));
  });

  it('answer their refusals under application/json', async () => {
    expect(error(await ask({ method: 'GET', path: '/v2/models/x' }))).toEqual([
      404,
      'application/json',
      "Request for unknown model: 'x' is not found",
    ]);
  });

  it('keep what they cannot explain to the log', async () => {
    const logged: string[] = [];
    const reply = await ask(
      { method: 'GET', path: '/v2' },
      {
        controlPlane: {
          ...controlPlane,
          serverMetadata: () => {
            throw new Error('secret');
          },
        },
        logger: { ...silentLogger, error: (text) => logged.push(text) },
      },
    );
    expect(reply.status).toBe(500);
    expect(reply.text()).not.toContain('secret');
    expect(logged.join()).toContain('secret');
  });

  it('give the metrics', async () => {
    const reply = await ask({ method: 'GET', path: '/v2/metrics' });
    expect([reply.header('content-type'), reply.text()]).toEqual([
      'text/plain; charset=utf-8',
      'nv_metric 1\n',
    ]);
  });

  it('say what is not there yet', async () => {
    expect(
      error(await ask({ method: 'POST', path: '/v2/systemsharedmemory/region/a/register' })),
    ).toEqual([
      501,
      'application/json',
      "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.",
    ]);
    expect(
      error(await ask({ method: 'GET', path: '/v2/systemsharedmemory/region/a/status' })),
    ).toEqual([404, 'application/json', "Unable to find system shared memory region: 'a'"]);
  });
});

describe('repository endpoints', () => {
  const index = '/v2/repository/index';

  it('list the repository', async () => {
    for (const body of ['', '{}', '{"ready":false}', '[]', 'null']) {
      const reply = await ask({ method: 'POST', path: index, body });
      expect(JSON.parse(reply.text())).toHaveLength(1);
    }
    expect((await ask({ method: 'POST', path: index, body: '{"ready":true}' })).text()).toBe('[]');
  });

  it('refuse a body that they do not understand', async () => {
    expect(error(await ask({ method: 'POST', path: index, body: '{' }))).toEqual([
      500,
      'application/json',
      'failed to parse the request JSON buffer: Missing a name for object member. at 1',
    ]);
    expect(error(await ask({ method: 'POST', path: index, body: '{"ready":1}' }))).toEqual([
      400,
      'application/json',
      "Invalid value for 'ready': expected a boolean",
    ]);
    const body = `{"x":"${'x'.repeat(100_000)}"}`;
    expect(error(await ask({ method: 'POST', path: index, body }))).toEqual([
      400,
      'application/json',
      'request JSON size of 100008 bytes exceeds the maximum allowed input size of 100000 bytes. Use --http-max-input-size to increase the limit.',
    ]);
  });

  it('load with overrides', async () => {
    const calls: unknown[] = [];
    const loading = {
      controlPlane: {
        ...controlPlane,
        loadModel: async (...call: unknown[]) => void calls.push(call),
      },
    };
    const load = (body: string): Promise<Reply> =>
      ask({ method: 'POST', path: '/v2/repository/models/m/load', body }, loading);
    const reply = await load('');
    expect([reply.status, reply.header('content-type'), reply.text()]).toEqual([
      200,
      'application/json',
      '',
    ]);
    await load('{"parameters":{"config":"{}","file:1/model.onnx":"AQID"}}');
    expect(calls).toEqual([
      ['m', { config: null, files: new Map() }],
      ['m', { config: '{}', files: new Map([['1/model.onnx', Buffer.from([1, 2, 3])]]) }],
    ]);
    for (const [body, text] of [
      ['{"parameters":[]}', 'attempt to get members for non-object'],
      ['{"parameters":{"foo":"x"}}', 'unexpected error on creating Triton parameter'],
      ['{"parameters":{"foo":1}}', 'attempt to access JSON non-string as string'],
      ['{"parameters":{"__proto__":"x"}}', 'unexpected error on creating Triton parameter'],
    ] as const) {
      expect(error(await load(body))).toEqual([500, 'application/json', text]);
    }
    expect(calls).toHaveLength(2);
  });

  it('unload, with dependents or without', async () => {
    const calls: unknown[] = [];
    const unloading = {
      controlPlane: {
        ...controlPlane,
        unloadModel: async (...call: unknown[]) => void calls.push(call),
      },
    };
    const unload = (body: string): Promise<Reply> =>
      ask({ method: 'POST', path: '/v2/repository/models/m/unload', body }, unloading);
    expect((await unload('')).status).toBe(200);
    expect((await unload('{"parameters":{"unload_dependents":true}}')).status).toBe(200);
    expect(calls).toEqual([
      ['m', { unloadDependents: false }],
      ['m', { unloadDependents: true }],
    ]);
    expect(error(await unload('{"parameters":{"unload_dependents":1}}'))).toEqual([
      500,
      'application/json',
      "Unable to parse 'unload_dependents': attempt to access JSON non-boolean as boolean",
    ]);
  });

  it('do not take a repository name, and answer a failure to load', async () => {
    expect(error(await ask({ method: 'POST', path: '/v2/repository/r/models/m/load' }))).toEqual([
      501,
      'application/json',
      "'repository_name' specification is not supported",
    ]);
    const failing = {
      controlPlane: {
        ...controlPlane,
        loadModel: () => Promise.reject(new TritonError('INTERNAL', 'failed to load')),
      },
    };
    const reply = await ask({ method: 'POST', path: '/v2/repository/models/m/load' }, failing);
    expect(error(reply)).toEqual([500, 'application/json', 'failed to load']);
  });
});

describe('infer', () => {
  it('answers JSON with JSON, in one go', async () => {
    const reply = await infer({ id: 'a', inputs: twoInputs });
    expect([reply.status, reply.header('content-type')]).toEqual([200, 'application/json']);
    expect(reply.text()).toBe(
      '{"id":"a","model_name":"m","model_version":"1","outputs":[{"name":"OUTPUT0","datatype":"FP32","shape":[1,4],"data":[1.0,2.0,3.0,4.0]},{"name":"OUTPUT1","datatype":"FP32","shape":[1,4],"data":[10.0,20.0,30.0,40.0]}]}',
    );
    expect(reply.synchronous).toBe(true);
  });

  it('takes and gives binary data', async () => {
    const header = JSON.stringify({
      inputs: twoInputs.map(({ data: _, ...input }) => ({
        ...input,
        parameters: { binary_data_size: 16 },
      })),
      outputs: [{ name: 'OUTPUT1', parameters: { binary_data: true } }, { name: 'OUTPUT0' }],
    });
    const data = Buffer.from(new Float32Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer);
    const sent = {
      method: 'POST',
      path: inferPath,
      headers: { 'inference-header-content-length': String(header.length) },
      body: Buffer.concat([Buffer.from(header), data]),
    };
    for (let repeat = 0; repeat < 3; repeat++) {
      const reply = await ask(sent);
      expect(reply.synchronous).toBe(true);
      expect(reply.header('content-type')).toBe('application/octet-stream');
      const length = Number(reply.header('inference-header-content-length'));
      expect(JSON.parse(reply.body.subarray(0, length).toString()).outputs).toEqual([
        { name: 'OUTPUT0', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] },
        {
          name: 'OUTPUT1',
          datatype: 'FP32',
          shape: [1, 4],
          parameters: { binary_data_size: 16 },
        },
      ]);
      expect(reply.body.subarray(length)).toEqual(data.subarray(16));
    }
  });

  it('answers a raw binary request with binary data', async () => {
    const config = {
      input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [-1] }],
      output: [{ name: 'OUTPUT0', data_type: 'TYPE_INT32', dims: [-1] }],
    };
    const sent = {
      method: 'POST',
      path: inferPath,
      headers: { 'inference-header-content-length': '0' },
      body: Buffer.from(new Int32Array([1, 2, 3]).buffer),
    };
    const reply = await ask(sent, {}, served(config));
    const length = Number(reply.header('inference-header-content-length'));
    expect(reply.body.subarray(length)).toEqual(sent.body);
  });

  it.each([
    ['-5', 'inference header size should be in range (0, 2), got: -5'],
    ['3', 'inference header size should be in range (0, 2), got: 3'],
    [
      '9223372036854775808',
      'Unable to parse Inference-Header-Content-Length, value is out of range [ -2147483648, 2147483647 ], got: 9223372036854775808',
    ],
    ['x', 'Unable to parse Inference-Header-Content-Length, got: x'],
  ])('refuses a header length of %s', async (value, text) => {
    const reply = await infer({}, { 'inference-header-content-length': value });
    expect(error(reply)).toEqual([400, 'text/plain', text]);
  });

  it('looks the model up before it looks at the request', async () => {
    const reply = await ask({
      method: 'POST',
      path: '/v2/models/x/infer',
      headers: { 'content-encoding': 'br' },
      body: '{',
    });
    expect(error(reply)).toEqual([
      404,
      'text/plain',
      "Request for unknown model: 'x' is not found",
    ]);
    const big = await ask({
      method: 'POST',
      path: '/v2/models/m/versions/99999999999999999999/infer',
    });
    expect(error(big)).toEqual([
      400,
      'text/plain',
      "failed to get model version from specified version string '99999999999999999999' (details: stol), version should be an integral value > 0",
    ]);
  });

  it('refuses decoupled models', async () => {
    const model = served({ ...addSub, model_transaction_policy: { decoupled: true } });
    expect(error(await infer({}, {}, model))).toEqual([
      501,
      'text/plain',
      "HTTP end point doesn't support models with decoupled transaction policy",
    ]);
  });

  it('declares the type of the errors of a request, but not of those of an execution', async () => {
    expect(error(await infer({ inputs: [oneInput] }))).toEqual([
      400,
      'application/json',
      "[request id: <id_unknown>] expected 2 inputs but got 1 inputs for model 'm'. Got input(s) ['INPUT0'], but missing required input(s) ['INPUT1']. Please provide all required input(s).",
    ]);
    const broken = served(addSub, { execute: () => new TritonError('INTERNAL', 'broken') });
    expect(error(await infer({ inputs: twoInputs }, {}, broken))).toEqual([
      500,
      'text/plain',
      'broken',
    ]);
  });

  it('refuses names that every object has, in the right words', async () => {
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty']) {
      const inputs = [{ ...oneInput, name }, twoInputs[1]];
      expect(error(await infer({ inputs }))).toEqual([
        400,
        'application/json',
        `unexpected inference input '${name}' for model 'm'`,
      ]);
    }
  });

  it('survives 100,000 outputs', async () => {
    const outputs = Array.from({ length: 100_000 }, () => ({ name: 'x' }));
    const options = { maxInputBytes: 10_000_000 };
    const body = JSON.stringify({ inputs: twoInputs, outputs });
    const reply = await ask({ method: 'POST', path: inferPath, body }, { options });
    expect(reply.status).toBe(400);
  });

  it('expects a single response', async () => {
    const model = served(addSub, {});
    const pending = infer({ inputs: twoInputs }, {}, model);
    const [entry] = model.scheduler.enqueued;
    if (entry === undefined) throw new Error('nothing enqueued');
    const response = model.scheduler.response(entry.request, []);
    entry.sink.respond(response, false);
    entry.sink.respond(response, true);
    expect(error(await pending)).toEqual([500, 'text/plain', 'expected a single response, got 2']);
    const none = served(addSub, {});
    const empty = infer({ inputs: twoInputs }, {}, none);
    none.scheduler.enqueued[0]?.sink.respond(null, true);
    expect(error(await empty)).toEqual([500, 'text/plain', 'expected a single response, got 0']);
  });

  it('cancels when the client goes while it is executed', async () => {
    const model = served(addSub, {});
    const handler = createHttpHandler(context(model));
    const body = JSON.stringify({ inputs: twoInputs });
    const pending = exchange(handler, { method: 'POST', path: inferPath, body, abort: true });
    const [entry] = model.scheduler.enqueued;
    expect(entry?.request.cancellation.cancelled).toBe(true);
    entry?.sink.fail(new TritonError('CANCELLED', 'gone'));
    expect(model.retained).toBe(0);
    void pending;
  });
});

describe('classification', () => {
  const asks = (classification: number): object => ({
    inputs: twoInputs,
    outputs: [{ name: 'OUTPUT0', parameters: { classification } }],
  });

  it('answers with the best classes and their labels', async () => {
    const labels = new Map([['OUTPUT0', ['zero', 'one', '', 'three']]]);
    const model = served(addSub, { execute: echo, labels });
    const reply = await infer(asks(2), {}, model);
    expect(JSON.parse(reply.text()).outputs).toEqual([
      {
        name: 'OUTPUT0',
        datatype: 'BYTES',
        shape: [1, 2],
        data: ['4.000000:3:three', '3.000000:2'],
      },
    ]);
  });

  it('of 0 is none, of 2^31 is all', async () => {
    expect(JSON.parse((await infer(asks(0))).text()).outputs[0].datatype).toBe('FP32');
    expect(JSON.parse((await infer(asks(2 ** 31))).text()).outputs[0].shape).toEqual([1, 4]);
  });

  it('is refused for strings', async () => {
    const model = served(addSub, {
      execute: () => [{ name: 'OUTPUT0', dataType: 'BYTES', shape: [1], data: Buffer.alloc(4) }],
    });
    expect(error(await infer(asks(1), {}, model))).toEqual([
      400,
      'text/plain',
      "class result not available for output due to unsupported type 'BYTES'",
    ]);
  });
});

describe('compression', () => {
  it('is understood in requests', async () => {
    const body = gzipSync(JSON.stringify({ inputs: twoInputs }));
    const headers = { 'content-encoding': 'gzip' };
    const reply = await ask({ method: 'POST', path: inferPath, headers, body });
    expect([reply.status, reply.synchronous]).toEqual([200, false]);
  });

  it('of an unknown kind is refused, with the known ones', async () => {
    const reply = await infer({}, { 'content-encoding': 'br' });
    expect(error(reply)).toEqual([501, 'text/plain', 'Unsupported compression type']);
    expect(reply.header('accept-encoding')).toBe('gzip, deflate');
  });

  it('cannot hide a body beyond the limit', async () => {
    const body = gzipSync(Buffer.alloc(1_000_000));
    const headers = { 'content-encoding': 'gzip' };
    expect(error(await ask({ method: 'POST', path: inferPath, headers, body }))).toEqual([
      400,
      'text/plain',
      'Decompressed data size exceeds the maximum allowed value of 100000 bytes. Use --http-max-input-size to increase the limit.',
    ]);
  });

  it('is used in answers that are asked for it, and only in those that succeed', async () => {
    const gzip = await infer({ inputs: twoInputs }, { 'accept-encoding': 'gzip' });
    expect(gzip.header('content-encoding')).toBe('gzip');
    expect(JSON.parse(gunzipSync(gzip.body).toString()).model_name).toBe('m');
    const deflate = await infer({ inputs: twoInputs }, { 'accept-encoding': 'deflate' });
    expect(JSON.parse(inflateSync(deflate.body).toString()).model_name).toBe('m');
    const failed = await infer({ inputs: [] }, { 'accept-encoding': 'gzip' });
    expect([failed.status, failed.header('content-encoding')]).toEqual([400, null]);
    const large = served(addSub, {
      execute: () => [floats('OUTPUT0', [1, 100_000], ...new Array<number>(100_000).fill(1))],
    });
    const inThread = await infer({ inputs: twoInputs }, { 'accept-encoding': 'gzip' }, large);
    expect(JSON.parse(gunzipSync(inThread.body).toString()).outputs[0].data).toHaveLength(100_000);
  });
});

describe('headers that are forwarded', () => {
  it('are parameters of the request', async () => {
    let parameters: unknown = null;
    const model = served(addSub, {
      execute: (request) => {
        parameters = [...request.parameters.custom].map(([name, { value }]) => [name, value]);
        return echo(request);
      },
    });
    const headerForwarding = new HeaderForwarding('fwd-|priority');
    const sent = { method: 'POST', path: inferPath, body: JSON.stringify({ inputs: twoInputs }) };
    const headers = { 'FWD-a': '1', host: 'x' };
    expect((await ask({ ...sent, headers }, { headerForwarding }, model)).status).toBe(200);
    expect(parameters).toEqual([['FWD-a', '1']]);
    const reply = await ask({ ...sent, headers: { priority: '1' } }, { headerForwarding }, model);
    expect(error(reply)).toEqual([
      400,
      'application/json',
      "Header 'priority' is reserved for Triton usage and cannot be forwarded.",
    ]);
  });
});
