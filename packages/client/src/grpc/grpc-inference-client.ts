import type { MessageSpec } from '@nereid/protocol/schemas';
import type { ClientOptions } from '../http/http-client-options.ts';
import type { CallOptions, InferInputs, InferOptions } from '../infer-request.ts';
import type { InferResult } from '../infer-result.ts';
import type {
  CudaSharedMemoryRegion,
  InferenceClient,
  LoadOptions,
  LogSettings,
  ModelConfiguration,
  ModelMetadata,
  ModelStatistics,
  RepositoryEntry,
  ServerMetadata,
  SystemSharedMemoryRegion,
  TraceSettings,
  UnloadOptions,
} from '../inference-client.ts';
import { InferenceError, unreadableAnswer } from '../inference-error.ts';
import type { AnyModel, InputsOf, ModelTypes } from '../model-types.ts';
import { inferDataOffset, streamDataOffset } from './data-offset.ts';
import type { DataOffset, GrpcCall, GrpcChannel } from './grpc-channel.ts';
import { inferMessage } from './infer-message.ts';
import { inferResponse } from './infer-response-message.ts';
import { InferStream } from './infer-stream.ts';
import { decodeFields, encodeFields } from './message-codec.ts';
import { serviceMessages } from './service-messages.ts';

const service = '/inference.GRPCInferenceService/';

/** Speaks Triton's gRPC service, whatever carries the calls. */
export class GrpcInferenceClient implements InferenceClient {
  readonly #channel: GrpcChannel;
  readonly #options: ClientOptions;

  constructor(channel: GrpcChannel, options: ClientOptions) {
    this.#channel = channel;
    this.#options = options;
  }

  async isServerLive(options?: CallOptions): Promise<boolean> {
    return (await this.#ask<{ live: boolean }>('ServerLive', {}, options)).live;
  }

  async isServerReady(options?: CallOptions): Promise<boolean> {
    return (await this.#ask<{ ready: boolean }>('ServerReady', {}, options)).ready;
  }

  async isModelReady(
    name: string,
    version: string | number = '',
    options?: CallOptions,
  ): Promise<boolean> {
    try {
      const fields = { name, version: String(version) };
      return (await this.#ask<{ ready: boolean }>('ModelReady', fields, options)).ready;
    } catch (error) {
      // Over HTTP a model that is not there is not ready either.
      if (error instanceof InferenceError && refusals.has(error.code)) return false;
      throw error;
    }
  }

  serverMetadata(options?: CallOptions): Promise<ServerMetadata> {
    return this.#ask('ServerMetadata', {}, options);
  }

  modelMetadata(
    name: string,
    version: string | number = '',
    options?: CallOptions,
  ): Promise<ModelMetadata> {
    return this.#ask('ModelMetadata', { name, version: String(version) }, options);
  }

  async modelConfig(
    name: string,
    version: string | number = '',
    options?: CallOptions,
  ): Promise<ModelConfiguration> {
    const fields = { name, version: String(version) };
    return (await this.#ask<{ config: ModelConfiguration }>('ModelConfig', fields, options)).config;
  }

  async repositoryIndex(readyOnly = false, options?: CallOptions): Promise<RepositoryEntry[]> {
    const fields = { ready: readyOnly };
    const { models } = await this.#ask<{ models: RepositoryEntry[] }>(
      'RepositoryIndex',
      fields,
      options,
    );
    return models;
  }

  async loadModel(name: string, options: LoadOptions = {}): Promise<void> {
    const { config, files } = options;
    const parameters: Record<string, object> = {};
    if (config !== undefined) {
      const text = typeof config === 'string' ? config : JSON.stringify(config);
      parameters['config'] = { string_param: text };
    }
    for (const [path, content] of Object.entries(files ?? {})) {
      parameters[`file:${path}`] = { bytes_param: content };
    }
    await this.#ask('RepositoryModelLoad', { model_name: name, parameters }, options);
  }

  async unloadModel(name: string, options: UnloadOptions = {}): Promise<void> {
    const parameters = { unload_dependents: { bool_param: options.unloadDependents === true } };
    await this.#ask('RepositoryModelUnload', { model_name: name, parameters }, options);
  }

  async statistics(
    name = '',
    version: string | number = '',
    options?: CallOptions,
  ): Promise<ModelStatistics[]> {
    const fields = { name, version: String(version) };
    const { model_stats: statistics } = await this.#ask<{ model_stats: ModelStatistics[] }>(
      'ModelStatistics',
      fields,
      options,
    );
    return statistics;
  }

  async traceSettings(model = '', options?: CallOptions): Promise<TraceSettings> {
    return this.updateTraceSettings({}, model, options);
  }

  async updateTraceSettings(
    settings: TraceSettings,
    model = '',
    options?: CallOptions,
  ): Promise<TraceSettings> {
    const values = Object.entries(settings).map(([name, value]) => [
      name,
      { value: value === null ? [] : typeof value === 'string' ? [value] : value },
    ]);
    const fields = { settings: Object.fromEntries(values), model_name: model };
    const answer = await this.#ask<{ settings: Record<string, { value: string[] }> }>(
      'TraceSetting',
      fields,
      options,
    );
    return Object.fromEntries(
      Object.entries(answer.settings).map(([name, { value }]) => [
        name,
        name === 'trace_level' ? value : (value[0] ?? ''),
      ]),
    );
  }

  logSettings(options?: CallOptions): Promise<LogSettings> {
    return this.updateLogSettings({}, options);
  }

  async updateLogSettings(settings: LogSettings, options?: CallOptions): Promise<LogSettings> {
    const values = Object.entries(settings).map(([name, value]) => [name, settingOf(value)]);
    const answer = await this.#ask<{ settings: Record<string, Record<string, never>> }>(
      'LogSettings',
      { settings: Object.fromEntries(values) },
      options,
    );
    return Object.fromEntries(
      Object.entries(answer.settings).map(([name, value]) => [name, Object.values(value)[0] ?? '']),
    );
  }

  async systemSharedMemoryStatus(
    name = '',
    options?: CallOptions,
  ): Promise<SystemSharedMemoryRegion[]> {
    const { regions } = await this.#ask<{ regions: Record<string, SystemSharedMemoryRegion> }>(
      'SystemSharedMemoryStatus',
      { name },
      options,
    );
    return Object.values(regions);
  }

  async registerSystemSharedMemory(
    name: string,
    key: string,
    byteSize: number,
    offset = 0,
    options?: CallOptions,
  ): Promise<void> {
    const fields = { name, key, offset, byte_size: byteSize };
    await this.#ask('SystemSharedMemoryRegister', fields, options);
  }

  async unregisterSystemSharedMemory(name = '', options?: CallOptions): Promise<void> {
    await this.#ask('SystemSharedMemoryUnregister', { name }, options);
  }

  async cudaSharedMemoryStatus(
    name = '',
    options?: CallOptions,
  ): Promise<CudaSharedMemoryRegion[]> {
    const { regions } = await this.#ask<{ regions: Record<string, CudaSharedMemoryRegion> }>(
      'CudaSharedMemoryStatus',
      { name },
      options,
    );
    return Object.values(regions);
  }

  async registerCudaSharedMemory(
    name: string,
    handle: Uint8Array,
    byteSize: number,
    deviceId = 0,
    options?: CallOptions,
  ): Promise<void> {
    const fields = { name, raw_handle: handle, device_id: deviceId, byte_size: byteSize };
    await this.#ask('CudaSharedMemoryRegister', fields, options);
  }

  async unregisterCudaSharedMemory(name = '', options?: CallOptions): Promise<void> {
    await this.#ask('CudaSharedMemoryUnregister', { name }, options);
  }

  async infer<Model extends ModelTypes = AnyModel>(
    model: Model['name'],
    inputs: InputsOf<Model>,
    options: InferOptions = {},
  ): Promise<InferResult<Model>> {
    const message = inferMessage(model, inputs as InferInputs, options);
    const call = this.#call('ModelInfer', options, inferDataOffset);
    const answer = await this.#channel.unary(call instanceof Promise ? await call : call, message);
    return inferResponse(answer) as InferResult<Model>;
  }

  /**
   * Asks a model that answers any number of times. Ends with its last answer; throws what it fails
   * with. Ending the iteration early cancels the request.
   */
  async *inferStream<Model extends ModelTypes = AnyModel>(
    model: Model['name'],
    inputs: InputsOf<Model>,
    options: InferOptions = {},
  ): AsyncGenerator<InferResult<Model>, void, undefined> {
    const stream = await this.startStream(options);
    try {
      const parameters = { ...options.parameters, triton_enable_empty_final_response: true };
      await stream.send(model, inputs as InferInputs, { ...options, parameters });
      stream.end();
      for await (const { result, error } of stream) {
        if (error !== null) throw error;
        const isEmpty = result.outputs.size === 0 && 'triton_final_response' in result.parameters;
        if (!isEmpty || !result.isFinal) yield result as InferResult<Model>;
        if (result.parameters['triton_final_response'] !== false) return;
      }
    } finally {
      stream.cancel();
    }
  }

  close(): Promise<void> {
    return this.#channel.close();
  }

  protected async startStream(options: InferOptions): Promise<InferStream> {
    return new InferStream(
      this.#channel.open(await this.#call('ModelStreamInfer', options, streamDataOffset)),
    );
  }

  async #ask<Answer extends object>(
    method: string,
    fields: object,
    options: CallOptions = {},
  ): Promise<Answer> {
    const call = await this.#call(method, options);
    const messages = serviceMessages();
    const message = encodeFields(messages.get(`${method}Request`) as MessageSpec, fields);
    const answer = await this.#channel.unary(call, [message]);
    try {
      return decodeFields<Answer>(messages.get(`${method}Response`) as MessageSpec, answer);
    } catch (cause) {
      throw unreadableAnswer(cause);
    }
  }

  #call(
    method: string,
    options: InferOptions,
    dataOffset: DataOffset | null = null,
  ): GrpcCall | Promise<GrpcCall> {
    const metadata: Record<string, string> = {};
    for (const headers of [this.#options.headers, options.headers]) {
      for (const name in headers) metadata[name.toLowerCase()] = headers[name] as string;
    }
    const call: GrpcCall = {
      path: service + method,
      metadata,
      signal: options.signal ?? null,
      timeoutMs: options.timeoutMs ?? this.#options.timeoutMs ?? null,
      compression: options.requestCompression ?? null,
      dataOffset,
    };
    const { plugins } = this.#options;
    if (plugins === undefined) return call;
    return (async () => {
      for (const plugin of plugins) {
        await plugin({ method: 'POST', path: call.path, headers: metadata });
      }
      return call;
    })();
  }
}

/** What a server answers about a model that it does not serve. */
const refusals: ReadonlySet<string> = new Set(['NOT_FOUND', 'UNAVAILABLE', 'INVALID_ARGUMENT']);

function settingOf(value: string | number | boolean): object {
  if (typeof value === 'boolean') return { bool_param: value };
  return typeof value === 'number' ? { uint32_param: value } : { string_param: value };
}
