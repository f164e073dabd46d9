import {
  GrpcClient,
  HttpClient,
  type InferenceClient,
  InferenceError,
  type ModelStatistics,
  type RepositoryEntry,
} from '@nereid/client';
import type { CircuitOptions, CircuitState } from './calls/circuit-breaker.ts';
import { ResilientCaller } from './calls/resilient-caller.ts';
import type { BackoffOptions } from './calls/retry-policy.ts';
import { type Clock, systemClock } from './clock.ts';
import type { DetectionResult } from './detection.ts';
import { Detector, type DetectorOptions } from './detector.ts';
import { type AskServer, describeDetector } from './detector-model.ts';
import type { HeadStyle } from './heads/detection-head.ts';
import { type Labels, labelsOf } from './model-labels.ts';
import { picturePixelsMaxDefault } from './picture/picture-decoder.ts';
import type { TritonConfig } from './triton-config.ts';
import { UnsupportedModelError } from './vision-error.ts';

/** What the environment does not say. */
export interface TritonClientOptions {
  /** Names of classes by their number, instead of the model's own. */
  readonly labels?: Labels;
  /** How answers are to be read. Default: by their shape. */
  readonly head?: HeadStyle;
  /** For raw heads: candidates of a class that overlap by more are one object. Default 0.7. */
  readonly iouThreshold?: number;
  /** Detections in a picture at most. Default 300. */
  readonly detectionsMax?: number;
  /** Width and height of the input, for a model that leaves them open. Default 640. */
  readonly inputSize?: number;
  /** Larger pictures are refused before they are unpacked. Default 50 megapixels. */
  readonly picturePixelsMax?: number;
  readonly backoff?: BackoffOptions;
  readonly circuit?: CircuitOptions;
  /** Where to write to with `TRITON_VERBOSE`. Default: stderr. */
  readonly log?: (line: string) => void;
  /** For tests. */
  readonly clock?: Clock;
  /** For tests: from 0 to 1. */
  readonly random?: () => number;
  /** Speaks to the server instead of the client that the configuration names. Ended by `close`. */
  readonly client?: InferenceClient;
}

/** What can be said about one detection. */
export interface DetectOptions {
  /** Default: the configuration's. */
  readonly model?: string;
  /** Default: the configuration's. */
  readonly confidenceThreshold?: number;
  /** Ends the call. */
  readonly signal?: AbortSignal;
}

/** Whether a model can be asked, and which versions there are. */
export interface ModelStatus {
  readonly model: string;
  readonly ready: boolean;
  /** As the repository index has them; empty for a model that is not known. */
  readonly versions: readonly Pick<RepositoryEntry, 'version' | 'state' | 'reason'>[];
}

const iouThresholdDefault = 0.7;
const detectionsMaxDefault = 300;
const inputSizeDefault = 640;
/** Requests of one `detectBatch` at a time: what is decoded for them lies in memory. */
const batchRequestsMax = 4;
const healthMsMax = 5000;

/** Finds objects in pictures with a model on a server. */
export class TritonClient {
  readonly config: TritonConfig;
  readonly #options: TritonClientOptions;
  readonly #clock: Clock;
  readonly #client: InferenceClient;
  readonly #caller: ResilientCaller;
  readonly #detectorOptions: DetectorOptions;
  readonly #detectors = new Map<string, Promise<Detector>>();
  #closed = false;

  /** @throws TypeError for an address of the configuration that is none. */
  constructor(config: TritonConfig, options: TritonClientOptions = {}) {
    this.config = config;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#client =
      options.client ??
      (config.protocol === 'grpc' ? new GrpcClient(config.url) : new HttpClient(config.httpUrl));
    this.#caller = new ResilientCaller({
      clock: this.#clock,
      random: options.random ?? Math.random,
      retriesMax: config.maxRetries,
      timeoutMs: config.timeoutSeconds * 1000,
      backoff: options.backoff,
      circuit: options.circuit,
      log: config.verbose ? (options.log ?? logToStderr) : null,
    });
    this.#detectorOptions = {
      style: options.head ?? 'auto',
      iouThreshold: options.iouThreshold ?? iouThresholdDefault,
      countMax: options.detectionsMax ?? detectionsMaxDefault,
      picturePixelsMax: options.picturePixelsMax ?? picturePixelsMaxDefault,
    };
  }

  /** Whether requests are held back because the server does not answer. */
  get circuitState(): CircuitState {
    return this.#caller.circuitState;
  }

  /** Whether detection is enabled and the server is ready. Never rejects. */
  async isHealthy(): Promise<boolean> {
    if (!this.config.enabled || this.#closed) return false;
    const timeoutMs = Math.min(healthMsMax, this.config.timeoutSeconds * 1000);
    return this.#client.isServerReady({ timeoutMs }).catch(() => false);
  }

  /**
   * Finds objects in a picture.
   * @param image The bytes of a PNG, JPEG or WebP.
   * @throws PictureError for what is no such picture.
   * @throws InferenceError when the server refuses, fails, or cannot be reached; UnsupportedModelError for another kind of model.
   */
  async detect(image: Uint8Array, options: DetectOptions = {}): Promise<DetectionResult> {
    const [result] = await this.detectBatch([image], options);
    return result as DetectionResult;
  }

  /**
   * Finds objects in several pictures, as many in a request as the model takes.
   * @returns One result for each picture, in their order.
   * @throws As `detect`; a `PictureError` says which picture it is about.
   */
  async detectBatch(
    images: readonly Uint8Array[],
    options: DetectOptions = {},
  ): Promise<DetectionResult[]> {
    this.#checkUsable();
    if (images.length === 0) return [];
    const name = options.model ?? this.config.model;
    const detector = await this.#detector(name);
    try {
      return await this.#detectAll(detector, images, options);
    } catch (error) {
      // The model may have been replaced by one of another form: it is looked at anew.
      if (outdates(error)) this.#detectors.delete(name);
      throw error;
    }
  }

  /** Asks whether a model serves, and for its versions. */
  async modelStatus(model: string = this.config.model): Promise<ModelStatus> {
    this.#checkUsable();
    const ready = await this.#ask(`readiness of ${model}`, (client, call) =>
      client.isModelReady(model, undefined, call),
    );
    const index = await this.#ask('index', (client, call) => client.repositoryIndex(false, call));
    const versions = index
      .filter(({ name }) => name === model)
      .map(({ version, state, reason }) => ({ version, state, reason }));
    return { model, ready, versions };
  }

  /** The server's statistics of each version of a model; of all models for null. */
  async statistics(model: string | null = this.config.model): Promise<ModelStatistics[]> {
    this.#checkUsable();
    const name = model ?? undefined;
    return this.#ask('statistics', (client, call) => client.statistics(name, undefined, call));
  }

  /** Ends the connections; what is in flight is cancelled. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#client.close();
  }

  #checkUsable(): void {
    if (this.#closed) throw new InferenceError('FAILED_PRECONDITION', 'the client is closed', null);
    if (this.config.enabled) return;
    throw new InferenceError(
      'FAILED_PRECONDITION',
      'detection on Triton is not enabled: set TRITON_ENABLED=true',
      null,
    );
  }

  /** Requests of as many pictures as the model takes, a few at a time. */
  async #detectAll(
    detector: Detector,
    images: readonly Uint8Array[],
    options: DetectOptions,
  ): Promise<DetectionResult[]> {
    const { confidenceThreshold = this.config.confidenceThreshold, signal } = options;
    const { batchMax } = detector;
    const results: DetectionResult[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < images.length) {
        const start = next;
        next += batchMax;
        const batch = images.slice(start, start + batchMax);
        const numbered = images.length === 1 ? null : start;
        const input = await detector.inputOf(batch, numbered);
        const sentNs = this.#clock.nowNs();
        const answer = await this.#ask(
          `${batch.length} pictures to ${detector.name}`,
          (client, call) => detector.send(client, input, call),
          signal,
        );
        const timeMs = (this.#clock.nowNs() - sentNs) / 1e6;
        const found = detector.resultsOf(answer, input, confidenceThreshold, timeMs);
        for (const [i, result] of found.entries()) results[start + i] = result;
      }
    };
    const workers = Math.min(batchRequestsMax, Math.ceil(images.length / batchMax));
    const working = Array.from({ length: workers }, work);
    await Promise.all(working).finally(() => {
      next = images.length;
    });
    return results;
  }

  #ask: AskServer = (what, send, signal) => {
    const aborting = signal === undefined ? {} : { signal };
    return this.#caller.call(
      what,
      (timeoutMs) => send(this.#client, { timeoutMs, ...aborting }),
      signal,
    );
  };

  /** What is known of a model; asked for once for all callers, and again after an error. */
  async #detector(name: string): Promise<Detector> {
    const known = this.#detectors.get(name);
    if (known !== undefined) return known;
    const asked = this.#describe(name);
    this.#detectors.set(name, asked);
    asked.catch(() => this.#detectors.delete(name));
    return asked;
  }

  async #describe(name: string): Promise<Detector> {
    const size = this.#options.inputSize ?? inputSizeDefault;
    const model = await describeDetector(name, this.#ask, { width: size, height: size });
    const labels = this.#options.labels ?? (await labelsOf(model, this.#ask));
    return new Detector(model, labels, this.#detectorOptions);
  }
}

function logToStderr(line: string): void {
  console.error(`nereid-vision: ${line}`);
}

function outdates(error: unknown): boolean {
  if (error instanceof UnsupportedModelError) return true;
  return (
    error instanceof InferenceError &&
    (error.code === 'INVALID_ARGUMENT' || error.code === 'NOT_FOUND')
  );
}
