import { resolve } from 'node:path';
import { type ModelConfig, TritonError } from '@nereid/protocol';
import type { BackendLoadContext, InstancePlace } from '../../core/backend.ts';
import type { InferencePort } from '../../core/inference-port.ts';
import type { SharedBlocks } from '../../memory/shared-blocks.ts';
import type { CustomMetrics } from '../../observability/custom-metrics.ts';
import type { CallChains } from '../worker/call-chains.ts';
import type { WorkerLife } from '../worker/worker-life.ts';
import { WorkerLoader } from '../worker/worker-loader.ts';
import type { EnvironmentCache } from './environment/environment-cache.ts';
import type { EnvironmentContext } from './environment/environment-context.ts';
import { modelEnvironment } from './environment/model-environment.ts';
import type { PythonEnvironment } from './environment/python-environment.ts';
import type { CommandRunner } from './environment/run-command.ts';
import { coresOf, type HostPolicies } from './host-policy.ts';
import { type PythonSettings, pythonSettings, workerScript } from './python-settings.ts';
import { pythonTexts } from './python-texts.ts';
import { type PythonWorkerOptions, startPythonWorker } from './python-worker.ts';

/** Enough that a worker whose runs are short finds its next request there while the server does something else. */
const executionsAhead = 3;

/** What the models of one backend share. */
export interface PythonModelLoaderOptions {
  /** What models can ask the server for. */
  readonly port: InferencePort;
  readonly chains: CallChains;
  readonly cache: EnvironmentCache;
  readonly commands: CommandRunner;
  readonly satisfied: Set<string>;
  readonly metrics: CustomMetrics;
  /** Folder of a backend whose `model.py` runs all its models; null where each model has its own. */
  readonly runtimeDirectory: string | null;
  /** Settings of the Python backend, which count where the backend's own say nothing. */
  readonly baseSettings: ReadonlyMap<string, string>;
  readonly hostPolicies: HostPolicies;
  /** Memory for large tensors. */
  readonly blocks: SharedBlocks;
}

/**
 * What brings the workers of one version up, once there is an interpreter for them.
 * @throws TritonError for settings that cannot be used, and for packages that cannot be installed.
 */
export async function pythonModelLoader(
  context: BackendLoadContext,
  options: PythonModelLoaderOptions,
): Promise<WorkerLoader> {
  const { config, modelName, clock, logger } = context;
  const { port, chains, metrics, baseSettings, runtimeDirectory, hostPolicies, blocks } = options;
  const modelDirectory = resolve(context.modelDirectory);
  const versionDirectory = resolve(context.versionDirectory);
  const given = new Map([...baseSettings, ...context.backendConfig]);
  const settings = pythonSettings(config, modelDirectory, given);
  const environment = await modelEnvironment(
    settings,
    [versionDirectory, modelDirectory],
    environmentContext(context, options, settings),
  );
  const workerOptions: Omit<PythonWorkerOptions, 'instanceName' | 'environment'> = {
    modelName,
    versionDirectory,
    ...codeOf(config, runtimeDirectory),
    script: workerScript(),
    settings,
    metrics,
    blocks,
    clock,
    logger,
  };
  const startWorker = (instanceName: string, place: InstancePlace | null): Promise<WorkerLife> => {
    checkInstanceName(instanceName);
    return startPythonWorker({
      ...workerOptions,
      instanceName,
      environment: boundTo(place, environment, hostPolicies),
    });
  };
  const texts = pythonTexts;
  return new WorkerLoader({ context, port, chains, texts, executionsAhead, startWorker });
}

/** Triton refuses these, since it starts its workers by a shell; a model that runs here is to run there. */
function checkInstanceName(name: string): void {
  if (!/[;|&$`<>()[\]{}\\"'*?~#!]/u.test(name)) return;
  throw new TritonError('INVALID_ARG', 'Invalid stub name: contains invalid characters');
}

function environmentContext(
  { modelName, clock, logger }: BackendLoadContext,
  { cache, commands, satisfied }: PythonModelLoaderOptions,
  settings: PythonSettings,
): EnvironmentContext {
  return {
    modelName,
    cache,
    cacheDirectory: settings.environmentCache,
    satisfied,
    commands,
    timeoutMs: settings.environmentTimeoutMs,
    clock,
    logger,
  };
}

/** The environment, with the cores of the instance's place. */
function boundTo(
  place: InstancePlace | null,
  { python, variables }: PythonEnvironment,
  hostPolicies: HostPolicies,
): PythonEnvironment {
  const cores = place === null ? null : coresOf(place, hostPolicies);
  return {
    python,
    variables: cores === null ? variables : { ...variables, NEREID_WORKER_CORES: cores },
  };
}

/** The code that runs a model: its own, or that of its backend, which reads the model's file. */
function codeOf(
  config: ModelConfig,
  runtimeDirectory: string | null,
): Pick<PythonWorkerOptions, 'fileName' | 'runtimeDirectory'> {
  const given = runtimeDirectory === null ? config.default_model_filename : config.runtime;
  return { fileName: given === '' ? 'model.py' : given, runtimeDirectory };
}
