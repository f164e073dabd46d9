import { TritonError } from '@nereid/protocol';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { SharedBlocks } from '../../memory/shared-blocks.ts';
import type { CustomMetrics } from '../../observability/custom-metrics.ts';
import { type ChannelListener, type LifeTexts, WorkerLife } from '../worker/worker-life.ts';
import type { PythonEnvironment } from './environment/python-environment.ts';
import type { PythonSettings } from './python-settings.ts';
import { WorkerProcess } from './worker-process.ts';

export interface PythonWorkerOptions {
  readonly instanceName: string;
  readonly modelName: string;
  /** Absolute. */
  readonly versionDirectory: string;
  readonly fileName: string;
  /** Absolute; where the file is, unless it is the model's own: null. */
  readonly runtimeDirectory: string | null;
  readonly script: string;
  readonly environment: PythonEnvironment;
  readonly settings: Pick<PythonSettings, 'stubTimeoutMs' | 'initializeTimeoutMs'>;
  /** Where the metrics that the model makes are published. */
  readonly metrics: CustomMetrics;
  /** Memory for large tensors. */
  readonly blocks: SharedBlocks;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Starts a process and has it import the model.
 * @throws TritonError INTERNAL with the model's own error, or with what kept the process from starting.
 */
export async function startPythonWorker(options: PythonWorkerOptions): Promise<WorkerLife> {
  const { instanceName, environment, metrics, clock, logger } = options;
  const { stubTimeoutMs, initializeTimeoutMs } = options.settings;
  let process: WorkerProcess | null = null;
  const worker = new WorkerLife({
    instanceName,
    open: (listener) => {
      process = startedProcess(options, listener);
      return process;
    },
    endTimeoutMs: stubTimeoutMs,
    initializeTimeoutMs,
    texts: textsOf(environment.python),
    metrics,
    clock,
    logger,
  });
  try {
    const greeting = await worker.greeted(stubTimeoutMs);
    const { modelName, versionDirectory, fileName, runtimeDirectory } = options;
    await worker.setUp({
      modelName,
      instanceName,
      versionDirectory,
      fileName,
      runtimeDirectory,
      region: (process as WorkerProcess | null)?.share(greeting) ?? false,
    });
    return worker;
  } catch (error) {
    await worker.kill('it did not start');
    throw error;
  }
}

/** @throws TritonError INTERNAL */
function startedProcess(
  { instanceName, environment, script, blocks, clock, logger }: PythonWorkerOptions,
  listener: ChannelListener,
): WorkerProcess {
  const { python, variables } = environment;
  const label = instanceName;
  const described = { python, script, environment: variables, blocks, label, clock, logger };
  try {
    return new WorkerProcess({ ...described, ...listener });
  } catch (error) {
    const { message } = error as Error;
    throw new TritonError('INTERNAL', textsOf(python).gone(instanceName, message), {
      cause: error,
    });
  }
}

/** Triton's texts. */
function textsOf(python: string): LifeTexts {
  return {
    late: (step, instanceName, timeoutSecs) =>
      `Timed out occurred while waiting for the stub process. Failed to ${step} model instance ${instanceName} within ${timeoutSecs} seconds.`,
    gone: (instanceName, cause) =>
      `Failed to initialize stub, stub process exited unexpectedly: ${instanceName} (${python}, ${cause})`,
  };
}
