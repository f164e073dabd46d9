import { mallocTrim, type OnnxRuntime, type OnnxSession, type OnnxValueInfo } from '@nereid/native';
import type { ModelConfig } from '@nereid/protocol';
import type {
  Backend,
  BackendInstance,
  BackendLoadContext,
  BackendModel,
  BackendReport,
  InstancePlace,
} from '../../core/backend.ts';
import type { Logger } from '../../core/logger.ts';
import { checkModelAgainstSignature } from '../../model-config/check-signature.ts';
import { completeModelConfig, needsCompletion } from '../../model-config/complete.ts';
import { instanceNames, instancePlaces } from '../../model-config/instance-groups.ts';
import type { ModelSignature } from '../../model-config/model-signature.ts';
import { validateModelIo } from '../../model-config/validate-io.ts';
import { batchLayoutOf } from '../batch/batch-layout.ts';
import { modelFile, modelFilesBytes } from './model-file.ts';
import { OnnxInstance, type OnnxInstanceParts } from './onnx-instance.ts';
import { onnxError } from './run-error.ts';
import { RunPlacement } from './run-placement.ts';
import { sessionSettings } from './session-settings.ts';

export interface OnnxBackendOptions {
  /** Opened when the first ONNX model is loaded, so that servers without one do not pay for it. */
  readonly openRuntime: () => OnnxRuntime;
  /** CPUs that this process may use, cgroup quota included. */
  readonly cpuCount: number;
  /** The runtime can run models on GPUs. Missing is false. */
  readonly cuda?: () => boolean;
}

/** ONNX models, on ONNX Runtime. */
export class OnnxBackend implements Backend {
  readonly name = 'onnxruntime';
  readonly #options: OnnxBackendOptions;

  constructor(options: OnnxBackendOptions) {
    this.#options = options;
  }

  get usesGpus(): boolean {
    return this.#options.cuda?.() === true;
  }

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const { config, autoComplete } = context;
    const path = await modelFile(context.versionDirectory, config.default_model_filename);
    const completing = autoComplete && needsCompletion(config);
    if (!completing && autoComplete) validateModelIo(config, context.configSource);
    const gpu = instancePlaces(config).find(({ group }) => group.kind === 'KIND_GPU');
    const settings = sessionSettings(
      config,
      context.backendConfig,
      this.#options.cpuCount,
      gpu?.device ?? null,
    );
    const session = await this.#openSession(path, settings.session);
    try {
      const signature = signatureOf(session);
      const complete = completing
        ? completeModelConfig(config, signature, {
            defaultMaxBatchSize: defaultMaxBatchSize(context.backendConfig),
          })
        : config;
      if (completing) validateModelIo(complete, context.configSource);
      checkModelAgainstSignature(complete, signature, context.configSource);
      return new OnnxModel(complete, session, context, {
        runConfigEntries: settings.runConfigEntries,
        fileBytes: await modelFilesBytes(path),
      });
    } catch (error) {
      session.release();
      throw error;
    }
  }

  async shutdown(): Promise<void> {
    // The library stays loaded for the life of the process: unloading it is not safe.
  }

  async #openSession(
    path: string,
    session: Parameters<OnnxRuntime['createSession']>[1],
  ): Promise<OnnxSession> {
    try {
      return await this.#options.openRuntime().createSession({ path }, session);
    } catch (error) {
      throw onnxError(error);
    }
  }
}

/** What only the loader of a model knows. */
interface OnnxModelFacts {
  readonly runConfigEntries: Readonly<Record<string, string>> | null;
  /** Size of the files that the session was made from. */
  readonly fileBytes: number;
}

/** One version: a session, and as many instances on it as the configuration asks for. */
class OnnxModel implements BackendModel {
  readonly config: ModelConfig;
  readonly instances: readonly BackendInstance[];
  readonly tensorsInPlace = true;
  readonly #session: OnnxSession;
  readonly #logger: Logger;
  readonly #report: BackendReport;
  readonly #parts: OnnxInstanceParts;

  constructor(
    config: ModelConfig,
    session: OnnxSession,
    context: BackendLoadContext,
    { runConfigEntries, fileBytes }: OnnxModelFacts,
  ) {
    this.config = config;
    this.#session = session;
    this.#report = { memoryBytes: new Map([['model_files', fileBytes]]), workerRestarts: null };
    this.#logger = context.logger;
    this.#parts = {
      modelName: context.modelName,
      modelVersion: String(context.version),
      session,
      layout: batchLayoutOf(config),
      placement: new RunPlacement(),
      runConfigEntries,
      clock: context.clock,
    };
    this.instances = instanceNames(config).map((name) => new OnnxInstance(name, this.#parts));
  }

  report(): BackendReport {
    return this.#report;
  }

  /** All instances share one session, which is on the CPU or on the first GPU that was asked for. */
  acceptsInstance({ group, device }: InstancePlace): boolean {
    const places = instancePlaces(this.config);
    const gpu = (kind: string): boolean => kind === 'KIND_GPU';
    return places.some(
      (place) => gpu(place.group.kind) === gpu(group.kind) && place.device === device,
    );
  }

  async addInstance({ name }: InstancePlace): Promise<BackendInstance> {
    return new OnnxInstance(name, this.#parts);
  }

  async removeInstance(): Promise<void> {
    // The session is the model's.
  }

  async unload(): Promise<void> {
    const profile = this.#session.endProfiling();
    if (profile !== null) {
      this.#logger.info(`wrote the profile of model '${this.config.name}' to ${profile}`);
    }
    this.#session.release();
    // The C library keeps what a session's arena gave back; the operating system gets it only so.
    mallocTrim();
  }
}

function signatureOf(session: OnnxSession): ModelSignature {
  const tensor = ({ name, dataType, onnxType, shape, kind }: OnnxValueInfo) => ({
    name,
    dataType: kind === 'tensor' ? dataType : null,
    typeName: onnxType,
    shape,
  });
  return { inputs: session.inputs.map(tensor), outputs: session.outputs.map(tensor) };
}

function defaultMaxBatchSize(backendConfig: ReadonlyMap<string, string>): number {
  const value = Number(backendConfig.get('default-max-batch-size') ?? 4);
  return Number.isInteger(value) && value >= 0 ? value : 4;
}
