import { cpuQuota, hasCudaProvider, OnnxRuntime } from '@nereid/native';
import { DynaSequenceBackend } from './backends/dyna-sequence/dyna-sequence-backend.ts';
import { IdentityBackend } from './backends/identity/identity-backend.ts';
import { ImplicitStateBackend } from './backends/implicit-state/implicit-state-backend.ts';
import { IterativeSequenceBackend } from './backends/iterative-sequence/iterative-sequence-backend.ts';
import type { JavascriptBackendOptions } from './backends/javascript/javascript-backend.ts';
import { OnnxBackend } from './backends/onnxruntime/onnx-backend.ts';
import { pythonBackendFolders, shippedBackends } from './backends/python/backend-folders.ts';
import type { PythonBackendOptions } from './backends/python/python-backend.ts';
import { QueryBackend } from './backends/query/query-backend.ts';
import { RepeatBackend } from './backends/repeat/repeat-backend.ts';
import { SequenceBackend } from './backends/sequence/sequence-backend.ts';
import { SquareBackend } from './backends/square/square-backend.ts';
import { CallChains } from './backends/worker/call-chains.ts';
import type { InferencePort } from './core/inference-port.ts';
import { BackendRegistry } from './lifecycle/backend-registry.ts';
import { DeferredBackend } from './lifecycle/deferred-backend.ts';
import type { SharedBlocks } from './memory/shared-blocks.ts';
import type { CustomMetrics } from './observability/custom-metrics.ts';
import type { BackendOptions } from './options/server-options.ts';

/** The backends that come with the server. None costs anything before it loads a model. */
export function builtInBackends(
  options: BackendOptions,
  port: InferencePort,
  metrics: CustomMetrics,
  blocks: SharedBlocks,
): BackendRegistry {
  const chains = new CallChains();
  const calls = { port, metrics, chains };
  const python = { ...calls, blocks };
  return new BackendRegistry([
    // Before the others: a folder does not replace what is part of the server.
    ...pythonBasedBackends(options, python),
    onnxBackend(options),
    new IdentityBackend(),
    new SequenceBackend(),
    new DynaSequenceBackend(),
    new ImplicitStateBackend(),
    new IterativeSequenceBackend(),
    new QueryBackend(),
    new RepeatBackend(),
    new SquareBackend(),
    pythonBackend('python', { ...python, hostPolicies: options.hostPolicies }),
    javascriptBackend(calls),
  ]);
}

/** Backends whose code is a `model.py` in a folder of their name: those that we ship, and the user's. */
function pythonBasedBackends(
  { config, directory, hostPolicies }: BackendOptions,
  parts: Pick<PythonBackendOptions, 'port' | 'metrics' | 'chains' | 'blocks'>,
): DeferredBackend[] {
  const baseSettings = config.get('python') ?? new Map<string, string>();
  return [...pythonBackendFolders([shippedBackends(), directory])].map(([name, runtimeDirectory]) =>
    pythonBackend(name, { runtimeDirectory, baseSettings, ...parts, hostPolicies }),
  );
}

function pythonBackend(name: string, options: PythonBackendOptions): DeferredBackend {
  return new DeferredBackend(name, async () => {
    const { PythonBackend } = await import('./backends/python/python-backend.ts');
    return new PythonBackend({ ...options, name });
  });
}

function javascriptBackend(options: JavascriptBackendOptions): DeferredBackend {
  return new DeferredBackend('javascript', async () => {
    const { JavascriptBackend } = await import('./backends/javascript/javascript-backend.ts');
    return new JavascriptBackend(options);
  });
}

function onnxBackend({ config }: BackendOptions): OnnxBackend {
  const settings = config.get('onnxruntime');
  const libraryPath = settings?.get('library') ?? null;
  const shared = settings?.get('enable-global-threadpool') === '1';
  const cpuCount = cpuQuota();
  return new OnnxBackend({
    cpuCount,
    cuda: () => hasCudaProvider(libraryPath),
    openRuntime: () =>
      OnnxRuntime.open({
        libraryPath,
        globalThreadPool: shared
          ? { intraOpThreadCount: cpuCount, interOpThreadCount: cpuCount, spinning: true }
          : null,
      }),
  });
}
