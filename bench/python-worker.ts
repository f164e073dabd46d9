// What the way to a Python worker and back costs, without HTTP: an `execute` that gives its input back.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseModelConfigText } from '@nereid/protocol';
import { PythonBackend } from '../packages/server/src/backends/python/python-backend.ts';
import { CallChains } from '../packages/server/src/backends/worker/call-chains.ts';
import type { BackendInstance } from '../packages/server/src/core/backend.ts';
import { Cancellation } from '../packages/server/src/core/cancellation.ts';
import { systemClock } from '../packages/server/src/core/clock.ts';
import type { Execution } from '../packages/server/src/core/execution.ts';
import type { InferencePort } from '../packages/server/src/core/inference-port.ts';
import { silentLogger } from '../packages/server/src/core/logger.ts';
import { SharedBlocks } from '../packages/server/src/memory/shared-blocks.ts';
import { CustomMetrics } from '../packages/server/src/observability/custom-metrics.ts';
import { ensurePythonEnv } from '../tools/python-env.mjs';

const config = `name: "echo" backend: "python" max_batch_size: 0
  input [ { name: "X" data_type: TYPE_FP32 dims: [ -1 ] } ]
  output [ { name: "Y" data_type: TYPE_FP32 dims: [ -1 ] } ]
  instance_group [ { name: "echo_0" count: 1 kind: KIND_CPU } ]`;
const code = `import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        return [pb_utils.InferenceResponse([pb_utils.Tensor("Y", r.inputs()[0].as_numpy())]) for r in requests]
`;

function execution(count: number, answered: () => void): Execution {
  return {
    request: {
      id: '',
      parameters: {
        sequenceId: null,
        sequenceStart: false,
        sequenceEnd: false,
        priority: 0,
        timeoutUs: 0,
        binaryDataOutput: false,
        custom: new Map(),
      },
      inputs: [{ name: 'X', dataType: 'FP32', shape: [count], data: Buffer.alloc(count * 4) }],
      outputNames: ['Y'],
      batchSize: 1,
      cancellation: new Cancellation(),
      startNs: 0,
    },
    sink: {
      respond: answered,
      fail: (error) => {
        throw error;
      },
    },
    queueStartNs: 0,
    computeStartNs: 0,
    computeInputEndNs: 0,
    computeOutputStartNs: 0,
    computeEndNs: 0,
  };
}

async function measure(
  instance: BackendInstance,
  what: string,
  count: number,
  inFlight: number,
  calls: number,
): Promise<void> {
  const timesUs: number[] = [];
  const worker = async (): Promise<void> => {
    for (let call = 0; call < calls / inFlight; call++) {
      const start = performance.now();
      await instance.execute([
        execution(count, () => timesUs.push((performance.now() - start) * 1e3)),
      ]);
    }
  };
  await worker();
  timesUs.length = 0;
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  const perCallUs = ((performance.now() - start) * 1e3) / timesUs.length;
  timesUs.sort((a, b) => a - b);
  const p50 = timesUs[Math.floor(timesUs.length / 2)] ?? 0;
  console.log(`${what}: p50 ${p50.toFixed(0)} us, ${perCallUs.toFixed(1)} us a call`);
}

const folder = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
try {
  mkdirSync(join(folder, '1'));
  writeFileSync(join(folder, '1', 'model.py'), code);
  const nothing = (): never => {
    throw new Error('the model calls nothing');
  };
  const port: InferencePort = {
    find: nothing,
    summon: nothing,
    infer: nothing,
    load: nothing,
    unload: nothing,
  };
  const loadStart = performance.now();
  const model = await new PythonBackend({
    port,
    chains: new CallChains(),
    metrics: new CustomMetrics([]),
    hostPolicies: new Map(),
    blocks: new SharedBlocks(),
  }).loadModel({
    modelName: 'echo',
    version: 1,
    modelDirectory: folder,
    versionDirectory: join(folder, '1'),
    config: parseModelConfigText(config, 'config.pbtxt'),
    configSource: null,
    autoComplete: true,
    backendConfig: new Map([['python-runtime', ensurePythonEnv()]]),
    logger: silentLogger,
    clock: systemClock,
  });
  console.log(`load: ${(performance.now() - loadStart).toFixed(0)} ms`);
  const instance = model.instances[0] as BackendInstance;
  await measure(instance, '16 bytes, one in flight', 4, 1, 10_000);
  await measure(instance, '16 bytes, 8 in flight', 4, 8, 20_000);
  await measure(instance, '60 KB, one in flight (socket)', 15_000, 1, 4000);
  await measure(instance, '66 KB, one in flight (shared memory)', 16_400, 1, 4000);
  await measure(instance, '4.9 MB, one in flight (shared memory)', 1_228_800, 1, 400);
  await measure(instance, '17 MB, one in flight (socket)', 4_250_000, 1, 60);
  await model.unload();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
