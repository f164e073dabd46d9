import {
  emptyModelConfig,
  encodeMessage,
  type ModelConfig,
  modelConfigFromJson,
  type Tensor,
  TritonError,
} from '@nereid/protocol';
import {
  FakeModelRegistry,
  FakeServedModel,
  type FakeServedModelOptions,
  ManualClock,
  RecordingTrace,
  testTracing,
} from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import { LogControl } from '../../control-plane/log-control.ts';
import { RestrictedApis } from '../../control-plane/restricted-apis.ts';
import { silentLogger } from '../../core/logger.ts';
import { DataPlane } from '../../data-plane/data-plane.ts';
import { HeaderForwarding } from '../../data-plane/header-forwarding.ts';
import { SharedMemoryRegistry } from '../../memory/shared-memory-registry.ts';
import { restrictedCategories } from '../../options/setting-format.ts';
import type { GrpcContext } from './grpc-context.ts';
import { createGrpcHandler } from './grpc-handler.ts';
import { grpcRpcs } from './grpc-rpcs.ts';
import { FakeClient, type FakeStream } from './testing/fake-calls.ts';

const inferPath = '/inference.GRPCInferenceService/ModelInfer';
const streamPath = '/inference.GRPCInferenceService/ModelStreamInfer';

const io = {
  input: [{ name: 'X', data_type: 'TYPE_UINT8', dims: [-1] }],
  output: [{ name: 'Y', data_type: 'TYPE_UINT8', dims: [-1] }],
};

function model(
  name: string,
  execute: FakeServedModelOptions['execute'],
  config: object = io,
): FakeServedModel {
  const parsed = { ...emptyModelConfig(), ...modelConfigFromJson(JSON.stringify(config)) };
  const options = { name, config: { ...parsed, name } as ModelConfig };
  return new FakeServedModel(execute === undefined ? options : { ...options, execute });
}

const echo = ({ inputs }: { readonly inputs: readonly Tensor[] }): Tensor[] =>
  inputs.map((input) => ({ ...input, name: 'Y' }));
const failing = (): TritonError => new TritonError('NOT_FOUND', 'on purpose');
const decoupledIo = { ...io, model_transaction_policy: { decoupled: true } };

const control: Record<string, (...args: never[]) => unknown> = {
  isLive: () => true,
  isReady: () => true,
  isModelReady: (name: string) => name === 'echo',
  serverMetadata: () => ({ name: 'triton', version: '1', extensions: ['a'] }),
  repositoryIndex: async (ready: boolean) => [{ name: ready ? 'ready' : 'all', state: 'READY' }],
  loadModel: async (name: string) => {
    throw new TritonError('INVALID_ARG', `load failed for model '${name}'`);
  },
};

function client(
  models: readonly FakeServedModel[],
  more: Partial<GrpcContext> = {},
  metadata: Readonly<Record<string, string>> = {},
): FakeClient {
  const clock = new ManualClock();
  const context = {
    dataPlane: new DataPlane({
      registry: new FakeModelRegistry(models),
      clock,
      logger: silentLogger,
    }),
    controlPlane: control as unknown as GrpcContext['controlPlane'],
    sharedMemory: new SharedMemoryRegistry({ allowed: false, logger: silentLogger }),
    logControl: new LogControl({
      settings: { info: true, warning: true, error: true, verboseLevel: 0, format: 'default' },
      file: '',
    }),
    ...testTracing({}, models),
    headerForwarding: null,
    compressionLevel: 0,
    restrictedApis: new RestrictedApis([]),
    isExiting: () => false,
    clock,
    logger: silentLogger,
    ...more,
  };
  return new FakeClient(createGrpcHandler(context), metadata);
}

function request(name: string, id: string, more: object = {}): Uint8Array {
  return encodeMessage('inference.ModelInferRequest', {
    model_name: name,
    id,
    inputs: [{ name: 'X', datatype: 'UINT8', shape: [3] }],
    raw_input_contents: [Buffer.from('abc')],
    ...more,
  });
}

/** What the stream answered: ids, and for errors what they say. */
function told(stream: FakeStream): string[] {
  return stream
    .answers<{
      error_message: string;
      infer_response: {
        id: string;
        model_name: string;
        parameters: { triton_final_response?: { bool_param: boolean } };
        raw_output_contents: Buffer[];
      };
    }>('inference.ModelStreamInferResponse')
    .map(({ error_message, infer_response }) => {
      const { id, model_name, parameters, raw_output_contents } = infer_response;
      const final = parameters.triton_final_response?.bool_param ?? 'unmarked';
      const what =
        error_message === ''
          ? raw_output_contents.map((data) => data.toString()).join()
          : error_message;
      return `${id} ${model_name} ${what} ${final}`.replaceAll('  ', ' ');
    });
}

describe('unary methods', () => {
  it('translate what the planes say', async () => {
    const fake = client([]);
    expect(await fake.ask('ServerLive')).toEqual({ live: true });
    expect(await fake.ask('ModelReady', { name: 'echo', version: '1x' })).toEqual({ ready: true });
    expect(await fake.ask('ModelReady', { name: 'echo', version: 'x' })).toMatch(
      /^3 failed to get model version/u,
    );
    expect(await fake.ask('ServerMetadata')).toEqual({
      name: 'triton',
      version: '1',
      extensions: ['a'],
    });
    expect(await fake.ask('RepositoryIndex', { ready: true })).toMatchObject({
      models: [{ name: 'ready', version: '', state: 'READY', reason: '' }],
    });
    expect(await fake.ask('RepositoryIndex', { repository_name: 'r' })).toBe(
      "12 'repository_name' specification is not supported",
    );
    expect(await fake.ask('SystemSharedMemoryStatus')).toEqual({ regions: {} });
    expect(await fake.ask('SystemSharedMemoryRegister', { name: 'r' })).toMatch(
      /^12 Client shared memory is disabled/u,
    );
    expect(await fake.ask('CudaSharedMemoryStatus', { name: 'r' })).toBe(
      "5 Unable to find cuda shared memory region: 'r'",
    );
  });

  it('change log settings, or say what is wrong', async () => {
    const fake = client([]);
    const settings = {
      log_info: { bool_param: false },
      log_verbose_level: { uint32_param: 2 },
      log_format: { string_param: 'ISO8601' },
    };
    expect(await fake.ask('LogSettings', { settings })).toMatchObject({ settings });
    for (const [name, value, text] of [
      ['log_file', { string_param: '' }, '12 log file location can not be updated'],
      ['log_error', {}, "3 expect boolean for 'log_error'"],
      ['log_verbose_level', { bool_param: true }, "3 expect int32 for 'log_verbose_level'"],
      ['log_format', { string_param: 'json' }, '3 invalid argument for log_format, got: json'],
    ] as const) {
      expect(await fake.ask('LogSettings', { settings: { [name]: value } })).toContain(text);
    }
  });

  it('check the parameters of a load', async () => {
    const load = (parameters: object): Promise<unknown> =>
      client([]).ask('RepositoryModelLoad', { model_name: 'm', parameters });
    expect(await load({})).toBe("3 load failed for model 'm'");
    expect(await load({ config: { bytes_param: Buffer.from('{}') } })).toBe(
      "3 invalid value type for load parameter 'config', expected string_param.",
    );
    expect(await load({ 'file:x': { string_param: '' } })).toBe(
      "3 invalid value type for load parameter 'file:x', expected bytes_param.",
    );
    expect(await load({ other: {} })).toBe("3 unrecognized load parameter 'other'.");
    const unload = { model_name: 'm', parameters: { unload_dependents: { int64_param: 1 } } };
    expect(await client([]).ask('RepositoryModelUnload', unload)).toBe(
      "3 invalid value type for 'unload_dependents' parameter, expected bool_param.",
    );
  });

  it('tell nothing of defects', async () => {
    const controlPlane = new Proxy({} as GrpcContext['controlPlane'], {
      get() {
        throw new Error('secret');
      },
    });
    expect(await client([], { controlPlane }).ask('ServerLive')).toBe(
      '13 internal error, see the log of the server',
    );
  });

  it('do not read what is no message', () => {
    const garbage = Buffer.from('/////yBnYXJiYWdlIAc=', 'base64');
    for (const { name, request } of grpcRpcs) {
      if (request === null) continue;
      const { end } = client([]).unary(`/${name}`, garbage);
      expect([name, end.status, end.message]).toEqual([name, 13, 'Unable to parse request']);
    }
  });

  it('are unknown without a word', () => {
    const stream = client([]).stream('/inference.GRPCInferenceService/NoSuchMethod');
    expect(stream.end_).toMatchObject({ status: 12, message: '' });
  });
});

describe('restricted calls', () => {
  const restrictedApis = new RestrictedApis(
    [{ categories: restrictedCategories, key: 'key', value: 'open' }],
    'triton-grpc-protocol-',
  );
  const refusal = "This protocol is restricted, expecting header 'triton-grpc-protocol-key'";

  it('need their metadata, each and every one', () => {
    const fake = client([], { restrictedApis }, { 'triton-grpc-protocol-key': 'wrong' });
    for (const { name, request } of grpcRpcs) {
      const end =
        request === null
          ? fake.stream(`/${name}`).end_
          : fake.unary(`/${name}`, new Uint8Array(0)).end;
      expect([name, end.status, end.message]).toEqual([name, 14, refusal]);
    }
  });

  it('pass with it', async () => {
    const fake = client([], { restrictedApis }, { 'triton-grpc-protocol-key': 'open' });
    expect(await fake.ask('ServerLive')).toEqual({ live: true });
  });
});

describe('tracing', () => {
  const level = { timestamps: true, tensors: false };

  /** A client whose requests are all traced, and what was noted of them: names of times, by model. */
  function tracedClient() {
    const closed: string[] = [];
    let open = 0;
    const models = [model('echo', echo), model('bad', failing), model('d', echo, decoupledIo)];
    const tracing = testTracing(
      {
        values: { level, rate: 1, count: -1, logFrequency: 0 },
        target: { mode: 'opentelemetry', file: '', modeSettings: [] },
        spans: {
          parentOf: (headers) => {
            closed.push(`asked for ${headers('traceparent')}`);
            return null;
          },
          begin: () => {
            const names: string[] = [];
            open++;
            return {
              trace: new RecordingTrace(),
              capture: (name) => void names.push(name),
              close() {
                if (names.length === 0) return;
                open--;
                closed.push(names.splice(0).join(' '));
              },
            };
          },
          close: async () => {},
        },
      },
      models,
    );
    const fake = client(models, tracing, { traceparent: 'p' });
    return { fake, closed, openCount: () => open };
  }

  const read = 'GRPC_WAITREAD_START GRPC_WAITREAD_END';
  const done = 'INFER_RESPONSE_COMPLETE';
  const sent = 'GRPC_SEND_START GRPC_SEND_END';

  it('notes the times of calls, and looks at their metadata', () => {
    for (const name of ['echo', 'bad']) {
      const { fake, closed } = tracedClient();
      fake.unary(inferPath, request(name, 'i'));
      expect(closed).toEqual(['asked for p', `${read} ${done} ${sent}`]);
    }
  });

  it('notes no times of calls that are refused before their model is known', () => {
    const { fake, closed } = tracedClient();
    fake.unary(inferPath, request('none', 'i'));
    fake.unary(inferPath, request('d', 'i'));
    expect(closed).toEqual([]);
  });

  it('ends with calls that the model does not get to see', () => {
    const { fake, closed, openCount } = tracedClient();
    const inputs = [{ name: 'Z', datatype: 'UINT8', shape: [3] }];
    fake.unary(inferPath, request('echo', 'i', { inputs }));
    expect([closed.at(-1), openCount()]).toEqual([read, 0]);
  });

  it('notes the times of every request of a stream', () => {
    const { fake, closed, openCount } = tracedClient();
    const stream = fake.stream('/inference.GRPCInferenceService/ModelStreamInfer');
    for (const name of ['echo', 'bad', 'd']) stream.reader?.onMessage(request(name, name));
    stream.reader?.onMessage(request('echo', 'x', { inputs: [] }));
    stream.reader?.onHalfClose();
    const times = closed.filter((line) => line !== 'asked for p');
    expect(times).toEqual([
      `${read} ${done} ${sent}`,
      `${read} ${done} ${sent}`,
      `${read} ${done} ${sent}`,
      `${read} ${sent}`,
    ]);
    expect([openCount(), stream.end_.status]).toEqual([0, 0]);
  });
});

describe('ModelInfer', () => {
  it('answers with the outputs', async () => {
    const fake = client([model('echo', echo)]);
    const { end } = fake.unary(inferPath, request('echo', 'i'));
    expect(end).toMatchObject({ status: 0 });
    expect(end.answers[0]?.includes('abc')).toBe(true);
  });

  it('fails with the status of the failure', () => {
    const end = (name: string, more: object = {}): string => {
      const fake = client([
        model('echo', echo),
        model('bad', failing),
        model('d', echo, decoupledIo),
      ]);
      const { status, message } = fake.unary(inferPath, request(name, 'i', more)).end;
      return `${status} ${message}`;
    };
    expect(end('none')).toBe("5 Request for unknown model: 'none' is not found");
    expect(end('bad')).toBe('5 on purpose');
    expect(end('d')).toBe(
      "12 ModelInfer RPC doesn't support models with decoupled transaction policy",
    );
    expect(end('echo', { raw_input_contents: [] })).toBe(
      "3 unable to find data for input tensor 'X' for model 'echo' in request.",
    );
    const outputs = [
      {
        name: 'Y',
        parameters: {
          shared_memory_region: { string_param: 'r' },
          shared_memory_byte_size: { int64_param: 3 },
        },
      },
    ];
    expect(end('echo', { outputs })).toBe("5 Unable to find shared memory region: 'r'");
  });

  it('is refused once the server has begun to stop', () => {
    const fake = client([model('echo', echo)], { isExiting: () => true });
    expect(fake.unary(inferPath, request('echo', '')).end).toMatchObject({
      status: 14,
      message: 'GRPC server is shutting down and has stopped accepting new requests.',
    });
  });

  it('cancels what nobody waits for any more', () => {
    const slow = model('slow', () => null);
    const { call } = client([slow]).unary(inferPath, request('slow', ''));
    const [enqueued] = slow.scheduler.enqueued;
    expect(enqueued?.request.cancellation.cancelled).toBe(false);
    call.cancel();
    expect(enqueued?.request.cancellation.cancelled).toBe(true);
  });

  it('hands metadata on to the model', () => {
    const echoModel = model('echo', echo);
    const more = { headerForwarding: new HeaderForwarding('fwd|^priority$') };
    client([echoModel], more, { 'fwd-a': 'x', other: 'y' }).unary(inferPath, request('echo', ''));
    const [enqueued] = echoModel.scheduler.enqueued;
    expect([...(enqueued?.request.parameters.custom ?? [])]).toEqual([
      ['fwd-a', { kind: 'string', value: 'x' }],
    ]);
    const { end } = client([echoModel], more, { priority: '1' }).unary(
      inferPath,
      request('echo', ''),
    );
    expect(end.message).toBe(
      "Header 'priority' is reserved for Triton usage and cannot be forwarded.",
    );
  });
});

describe('ModelStreamInfer', () => {
  function open(
    models: readonly FakeServedModel[],
    metadata: Readonly<Record<string, string>> = {},
  ): { stream: FakeStream; send: (name: string, id: string, more?: object) => void } {
    const stream = client(models, {}, metadata).stream(streamPath);
    return {
      stream,
      send: (name, id, more) => stream.reader?.onMessage(request(name, id, more)),
    };
  }

  function answerLast(of: FakeServedModel, final = true): void {
    const last = of.scheduler.enqueued.at(-1);
    if (last === undefined) throw new Error('nothing was enqueued');
    last.sink.respond(of.scheduler.response(last.request, echo(last.request)), final);
  }

  it('answers in the order of the requests', () => {
    const slow = model('slow', () => null);
    const { stream, send } = open([slow, model('echo', echo)]);
    send('slow', '1');
    send('echo', '2');
    send('none', '3');
    expect(told(stream)).toEqual([]);
    answerLast(slow);
    expect(told(stream)).toEqual([
      '1 slow abc true',
      '2 echo abc true',
      "3 Request for unknown model: 'none' is not found unmarked",
    ]);
    expect(stream.end_.status).toBeNull();
    stream.reader?.onHalfClose();
    expect(stream.end_.status).toBe(0);
    expect(slow.retained).toBe(0);
  });

  it('lets answers of decoupled models pass', () => {
    const slow = model('slow', () => null);
    const many = model('many', () => null, decoupledIo);
    const { stream, send } = open([slow, many]);
    send('slow', '1');
    send('many', '2');
    answerLast(many, false);
    answerLast(many, false);
    many.scheduler.enqueued[0]?.sink.respond(null, true);
    stream.reader?.onHalfClose();
    expect(told(stream)).toEqual(['2 many abc false', '2 many abc false']);
    expect(stream.end_.status).toBeNull();
    answerLast(slow);
    expect(told(stream).at(-1)).toBe('1 slow abc true');
    expect(stream.end_.status).toBe(0);
  });

  it('tells of an empty end only who wants to know', () => {
    const many = model('many', () => null, decoupledIo);
    const { stream, send } = open([many]);
    const parameters = { triton_enable_empty_final_response: { bool_param: true } };
    send('many', '1', { parameters });
    many.scheduler.enqueued[0]?.sink.respond(null, true);
    expect(told(stream)).toEqual(['1 many true']);
  });

  it('goes on after errors', () => {
    const { stream, send } = open([model('bad', failing), model('echo', echo)]);
    send('bad', '1');
    send('echo', '2', { inputs: [{ name: 'X', datatype: 'FP16', shape: [3] }] });
    send('echo', '3');
    expect(told(stream)).toEqual([
      '1 bad on purpose true',
      "2 [request id: 2] inference input 'X' data-type is 'FP16', but model 'echo' expects 'UINT8' unmarked",
      '3 echo abc true',
    ]);
  });

  it('ends with the first failed execution where that is asked for', () => {
    const slow = model('slow', () => null);
    const { stream, send } = open([model('bad', failing), slow, model('echo', echo)], {
      triton_grpc_error: 'true',
    });
    send('none', '1');
    send('slow', '2');
    expect(stream.end_.status).toBeNull();
    send('bad', '3');
    expect(stream.end_).toMatchObject({ status: 5, message: 'on purpose' });
    expect(slow.scheduler.enqueued[0]?.request.cancellation.cancelled).toBe(true);
    answerLast(slow);
    send('echo', '4');
    stream.reader?.onHalfClose();
    expect(told(stream)).toHaveLength(1);
  });

  it('takes what it cannot read for the end', () => {
    const { stream, send } = open([model('echo', echo)]);
    send('echo', '1');
    stream.reader?.onMessage(Buffer.from([0xff]));
    expect(stream.end_.status).toBe(0);
    send('echo', '2');
    expect(told(stream)).toEqual(['1 echo abc true']);
  });

  it('cancels everything with the call', () => {
    const slow = model('slow', () => null);
    const { stream, send } = open([slow]);
    send('slow', '1');
    send('slow', '2');
    stream.call.cancel();
    expect(slow.scheduler.enqueued.map(({ request }) => request.cancellation.cancelled)).toEqual([
      true,
      true,
    ]);
    for (const { sink } of slow.scheduler.enqueued) sink.fail(new TritonError('CANCELLED', 'x'));
    expect(stream.end_.answers).toEqual([]);
    expect(slow.retained).toBe(0);
  });

  it('stops reading while the client does not read', async () => {
    const { stream, send } = open([model('echo', echo)]);
    stream.hasRoom = false;
    send('echo', '1');
    expect(stream.paused).toBe(true);
    stream.drain();
    await stream.drained();
    expect(stream.paused).toBe(false);
  });

  it('works on a bounded number of requests', () => {
    const slow = model('slow', () => null);
    const { stream, send } = open([slow]);
    let sent = 0;
    while (!stream.paused && sent < 5000) send('slow', String(sent++));
    expect(sent).toBe(1024);
    const [first] = slow.scheduler.enqueued;
    if (first === undefined) throw new Error('nothing was enqueued');
    first.sink.respond(slow.scheduler.response(first.request, []), true);
    expect(stream.paused).toBe(false);
    // Answered in reverse: each waits for those before it.
    for (const { request, sink } of slow.scheduler.enqueued.toReversed().slice(0, -1)) {
      sink.respond(slow.scheduler.response(request, []), true);
    }
    stream.reader?.onHalfClose();
    expect(stream.end_.status).toBe(0);
    expect(told(stream).map((line) => Number(line.split(' ')[0]))).toEqual(
      Array.from({ length: sent }, (_, i) => i),
    );
  });
});

describe('health', () => {
  it('is readiness, whatever service is asked for', () => {
    const { end } = client([]).unary(
      '/grpc.health.v1.Health/Check',
      encodeMessage('grpc.health.v1.HealthCheckRequest', { service: 'x' }),
    );
    expect(end.answers).toEqual([Buffer.from([8, 1])]);
  });

  it('can be watched', () => {
    const clock = new ManualClock();
    let ready: boolean | null = true;
    const controlPlane = {
      isReady() {
        if (ready === null) throw new TritonError('UNAVAILABLE', 'Server exiting');
        return ready;
      },
    } as unknown as GrpcContext['controlPlane'];
    const stream = client([], { clock, controlPlane }).stream('/grpc.health.v1.Health/Watch');
    const statuses = (): string[] =>
      stream
        .answers<{ status: string }>('grpc.health.v1.HealthCheckResponse')
        .map(({ status }) => status);
    stream.reader?.onMessage(new Uint8Array(0));
    stream.reader?.onHalfClose();
    clock.advanceMs(1000);
    expect(statuses()).toEqual(['SERVING']);
    ready = false;
    clock.advanceMs(1000);
    expect(statuses()).toEqual(['SERVING', 'NOT_SERVING']);
    expect(stream.end_.status).toBeNull();
    ready = null;
    clock.advanceMs(1000);
    expect(stream.end_.status).toBe(0);
  });
});

describe('reflection', () => {
  interface Reflected {
    list_services_response?: { service: { name: string }[] };
    file_descriptor_response?: { file_descriptor_proto: Buffer[] };
    error_response?: { error_code: number };
  }

  it.each(['v1', 'v1alpha'])('of %s tells of the services and their files', (version) => {
    const name = `grpc.reflection.${version}`;
    const stream = client([]).stream(`/${name}.ServerReflection/ServerReflectionInfo`);
    const ask = (fields: object): Reflected => {
      stream.reader?.onMessage(encodeMessage(`${name}.ServerReflectionRequest`, fields));
      return stream.answers<Reflected>(`${name}.ServerReflectionResponse`).at(-1) ?? {};
    };
    expect(ask({ list_services: '*' }).list_services_response?.service).toContainEqual({
      name: 'inference.GRPCInferenceService',
    });
    const files = ask({ file_containing_symbol: 'inference.GRPCInferenceService' });
    expect(files.file_descriptor_response?.file_descriptor_proto).toHaveLength(2);
    expect(ask({ file_by_filename: 'none.proto' }).error_response?.error_code).toBe(5);
    expect(ask({ file_containing_symbol: '__proto__' }).error_response?.error_code).toBe(5);
    stream.reader?.onHalfClose();
    expect(stream.end_.status).toBe(0);
  });
});
