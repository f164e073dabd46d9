import type { CallOptions, Compression, InferInputs, InferOptions } from '../infer-request.ts';
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
import { InferenceError } from '../inference-error.ts';
import type { AnyModel, InputsOf, ModelTypes } from '../model-types.ts';
import { toBase64 } from './base64.ts';
import { HttpCalls } from './http-calls.ts';
import type { ClientOptions } from './http-client-options.ts';
import type { HttpTransport } from './http-transport.ts';
import { inferAnswer } from './infer-answer.ts';
import { inferBody } from './infer-body.ts';
import { eventData } from './server-sent-events.ts';

const inferenceHeader = 'inference-header-content-length';

/** Compresses a body; only where the platform can. */
export type Compress = (pieces: readonly Uint8Array[], how: Compression) => Promise<Uint8Array>;

/** Fields of a generate request or answer. */
export type GenerateFields = Readonly<Record<string, unknown>>;

/** Speaks KServe's second HTTP protocol with Triton's extensions, whatever carries the requests. */
export class HttpInferenceClient implements InferenceClient {
  readonly #calls: HttpCalls;
  readonly #compress: Compress;

  constructor(transport: HttpTransport, compress: Compress, options: ClientOptions) {
    this.#calls = new HttpCalls(transport, options);
    this.#compress = compress;
  }

  isServerLive(options?: CallOptions): Promise<boolean> {
    return this.#calls.succeeds('/v2/health/live', options);
  }

  isServerReady(options?: CallOptions): Promise<boolean> {
    return this.#calls.succeeds('/v2/health/ready', options);
  }

  isModelReady(name: string, version?: string | number, options?: CallOptions): Promise<boolean> {
    return this.#calls.succeeds(`${modelPath(name, version)}/ready`, options);
  }

  serverMetadata(options?: CallOptions): Promise<ServerMetadata> {
    return this.#calls.get('/v2', options);
  }

  modelMetadata(
    name: string,
    version?: string | number,
    options?: CallOptions,
  ): Promise<ModelMetadata> {
    return this.#calls.get(modelPath(name, version), options);
  }

  modelConfig(
    name: string,
    version?: string | number,
    options?: CallOptions,
  ): Promise<ModelConfiguration> {
    return this.#calls.get(`${modelPath(name, version)}/config`, options);
  }

  async repositoryIndex(readyOnly = false, options?: CallOptions): Promise<RepositoryEntry[]> {
    const body = readyOnly ? { ready: true } : {};
    const rows = await this.#calls.post<Partial<RepositoryEntry>[]>(
      '/v2/repository/index',
      body,
      options,
    );
    return rows.map(({ name = '', version = '', state = '', reason = '' }) => ({
      name,
      version,
      state,
      reason,
    }));
  }

  async loadModel(name: string, options: LoadOptions = {}): Promise<void> {
    const { config, files } = options;
    const parameters: Record<string, string> = {};
    if (config !== undefined) {
      parameters['config'] = typeof config === 'string' ? config : JSON.stringify(config);
    }
    for (const [path, content] of Object.entries(files ?? {})) {
      parameters[`file:${path}`] = toBase64(content);
    }
    const path = `/v2/repository/models/${encodeURIComponent(name)}/load`;
    await this.#calls.post(path, Object.keys(parameters).length > 0 ? { parameters } : {}, options);
  }

  async unloadModel(name: string, options: UnloadOptions = {}): Promise<void> {
    const parameters = { unload_dependents: options.unloadDependents === true };
    const path = `/v2/repository/models/${encodeURIComponent(name)}/unload`;
    await this.#calls.post(path, { parameters }, options);
  }

  async statistics(
    name?: string,
    version?: string | number,
    options?: CallOptions,
  ): Promise<ModelStatistics[]> {
    const path = name === undefined ? '/v2/models/stats' : `${modelPath(name, version)}/stats`;
    const answer = await this.#calls.get<{ model_stats: ModelStatistics[] }>(path, options);
    return answer.model_stats;
  }

  traceSettings(model?: string, options?: CallOptions): Promise<TraceSettings> {
    return this.#calls.get(tracePath(model), options);
  }

  updateTraceSettings(
    settings: TraceSettings,
    model?: string,
    options?: CallOptions,
  ): Promise<TraceSettings> {
    return this.#calls.post(tracePath(model), settings, options);
  }

  logSettings(options?: CallOptions): Promise<LogSettings> {
    return this.#calls.get('/v2/logging', options);
  }

  updateLogSettings(settings: LogSettings, options?: CallOptions): Promise<LogSettings> {
    return this.#calls.post('/v2/logging', settings, options);
  }

  systemSharedMemoryStatus(
    name?: string,
    options?: CallOptions,
  ): Promise<SystemSharedMemoryRegion[]> {
    return this.#calls.get(`${regionPath('system', name)}/status`, options);
  }

  async registerSystemSharedMemory(
    name: string,
    key: string,
    byteSize: number,
    offset = 0,
    options?: CallOptions,
  ): Promise<void> {
    const body = { key, offset, byte_size: byteSize };
    await this.#calls.post(`${regionPath('system', name)}/register`, body, options);
  }

  async unregisterSystemSharedMemory(name?: string, options?: CallOptions): Promise<void> {
    await this.#calls.post(`${regionPath('system', name)}/unregister`, {}, options);
  }

  cudaSharedMemoryStatus(name?: string, options?: CallOptions): Promise<CudaSharedMemoryRegion[]> {
    return this.#calls.get(`${regionPath('cuda', name)}/status`, options);
  }

  async registerCudaSharedMemory(
    name: string,
    handle: Uint8Array,
    byteSize: number,
    deviceId = 0,
    options?: CallOptions,
  ): Promise<void> {
    const body = {
      raw_handle: { b64: toBase64(handle) },
      device_id: deviceId,
      byte_size: byteSize,
    };
    await this.#calls.post(`${regionPath('cuda', name)}/register`, body, options);
  }

  async unregisterCudaSharedMemory(name?: string, options?: CallOptions): Promise<void> {
    await this.#calls.post(`${regionPath('cuda', name)}/unregister`, {}, options);
  }

  async infer<Model extends ModelTypes = AnyModel>(
    model: Model['name'],
    inputs: InputsOf<Model>,
    options: InferOptions = {},
  ): Promise<InferResult<Model>> {
    const { headerLength, pieces } = inferBody(inputs as InferInputs, options);
    const headers: Record<string, string> = {
      'content-type': headerLength === null ? 'application/json' : 'application/octet-stream',
    };
    if (headerLength !== null) headers[inferenceHeader] = String(headerLength);
    if (options.responseCompression !== undefined) {
      headers['accept-encoding'] = options.responseCompression;
    }
    let body = pieces;
    if (options.requestCompression !== undefined) {
      headers['content-encoding'] = options.requestCompression;
      body = [await this.#compress(pieces, options.requestCompression)];
    }
    const path = `${modelPath(model, options.version)}/infer`;
    const answer = await this.#calls.send('POST', path, body, headers, options);
    const answerLength = answer.header(inferenceHeader);
    const length = answerLength === null ? null : Number(answerLength);
    return inferAnswer(answer.body, length) as InferResult<Model>;
  }

  /** Runs a model with plain JSON fields: Triton's generate extension. */
  generate(
    model: string,
    fields: GenerateFields,
    options: CallOptions & { readonly version?: string | number } = {},
  ): Promise<GenerateFields> {
    return this.#calls.post(`${modelPath(model, options.version)}/generate`, fields, options);
  }

  /** The same, for models that answer piece by piece. Ending the iteration cancels the request. */
  async *generateStream(
    model: string,
    fields: GenerateFields,
    options: CallOptions & { readonly version?: string | number } = {},
  ): AsyncGenerator<GenerateFields, void, undefined> {
    const path = `${modelPath(model, options.version)}/generate_stream`;
    const answer = await this.#calls.open(path, fields, options);
    for await (const data of eventData(answer.body)) {
      const event = JSON.parse(data) as GenerateFields;
      const { error } = event;
      if (typeof error === 'string') throw new InferenceError('INTERNAL', error, answer.status);
      yield event;
    }
  }

  async close(): Promise<void> {
    this.#calls.close();
  }
}

function modelPath(name: string, version: string | number | undefined): string {
  const path = `/v2/models/${encodeURIComponent(name)}`;
  return version === undefined || version === '' ? path : `${path}/versions/${version}`;
}

function tracePath(model: string | undefined): string {
  return model === undefined ? '/v2/trace/setting' : `${modelPath(model, undefined)}/trace/setting`;
}

function regionPath(kind: 'system' | 'cuda', name: string | undefined): string {
  const path = `/v2/${kind}sharedmemory`;
  return name === undefined ? path : `${path}/region/${encodeURIComponent(name)}`;
}
