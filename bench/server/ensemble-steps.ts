/**
 * Claim: an ensemble of three steps costs at most 1.1 times its steps called one after the other in
 * the same process, their outputs handed on by hand. Small ONNX models, no sockets.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OnnxRuntime } from '@nereid/native';
import { defaultRequestParameters, type InferRequestMessage, type Tensor } from '@nereid/protocol';
import { OnnxBackend } from '../../packages/server/src/backends/onnxruntime/onnx-backend.ts';
import { Cancellation } from '../../packages/server/src/core/cancellation.ts';
import { systemClock } from '../../packages/server/src/core/clock.ts';
import { silentLogger } from '../../packages/server/src/core/logger.ts';
import { DataPlane } from '../../packages/server/src/data-plane/data-plane.ts';
import { prepareRequest } from '../../packages/server/src/data-plane/prepare-request.ts';
import { BackendRegistry } from '../../packages/server/src/lifecycle/backend-registry.ts';
import { ModelLifeCycle } from '../../packages/server/src/lifecycle/model-life-cycle.ts';
import { ModelManager } from '../../packages/server/src/lifecycle/model-manager.ts';
import { VersionLoader } from '../../packages/server/src/lifecycle/version-loader.ts';
import { latencySumsOnly } from '../../packages/server/src/observability/model-latencies.ts';
import { DefinitionReader } from '../../packages/server/src/repository/definition-reader.ts';
import { LocalModelSource } from '../../packages/server/src/repository/local-model-source.ts';
import { ModelFinder } from '../../packages/server/src/repository/model-finder.ts';
import { serverStepModels } from '../../packages/server/src/server-step-models.ts';
import { addSubModel } from '../../packages/test-kit/src/onnx-writer.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { ratioOf } from '../harness/spread.ts';

const rounds = 15;
const callsPerRound = 4_000;
const stepNames = ['one', 'two', 'three'];

const map = (field: string, from: string, to: string): string =>
  `${field} { key: "${from}" value: "${to}" }`;
const step = (name: string, at: number): string => {
  const last = at === stepNames.length - 1;
  const [a, b] = at === 0 ? ['INPUT0', 'INPUT1'] : [`a${at}`, `b${at}`];
  const [c, d] = last ? ['OUTPUT0', 'OUTPUT1'] : [`a${at + 1}`, `b${at + 1}`];
  return `step { model_name: "${name}" model_version: -1
    ${map('input_map', 'INPUT0', a as string)} ${map('input_map', 'INPUT1', b as string)}
    ${map('output_map', 'OUTPUT0', c as string)} ${map('output_map', 'OUTPUT1', d as string)} }`;
};
const io = (kind: string): string =>
  ['0', '1']
    .map((n) => `${kind} { name: "${kind.toUpperCase()}${n}" data_type: TYPE_FP32 dims: [ 16 ] }`)
    .join(' ');

function writeRepository(): string {
  const root = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  for (const name of [...stepNames, 'chain']) {
    mkdirSync(join(root, name, '1'), { recursive: true });
    const kind =
      name === 'chain'
        ? `platform: "ensemble" ensemble_scheduling { ${stepNames.map(step).join(' ')} }`
        : 'backend: "onnxruntime"';
    writeFileSync(join(root, name, 'config.pbtxt'), `${kind} ${io('input')} ${io('output')}`);
    if (name !== 'chain') {
      writeFileSync(join(root, name, '1', 'model.onnx'), addSubModel('FLOAT', [16]));
    }
  }
  return root;
}

function openPlane(root: string): { dataPlane: DataPlane; manager: ModelManager } {
  const [clock, logger] = [systemClock, silentLogger];
  const backend = new OnnxBackend({
    cpuCount: 1,
    openRuntime: () => OnnxRuntime.open({ libraryPath: null, globalThreadPool: null }),
  });
  const lifeCycle: ModelLifeCycle = new ModelLifeCycle({
    loader: new VersionLoader({
      backends: new BackendRegistry([backend]),
      autoComplete: true,
      backendConfig: new Map(),
      responseCache: () => null,
      stepModels: serverStepModels(() => ({ lifeCycle, dataPlane })),
      latencies: latencySumsOnly,
      rateLimiter: null,
      prepareRequest,
      clock,
      logger,
    }),
    logger,
    parallelLoadsMax: 4,
    loadRetries: 0,
  });
  const dataPlane: DataPlane = new DataPlane({ registry: lifeCycle, clock, logger });
  const manager = new ModelManager({
    finder: new ModelFinder([new LocalModelSource(root)], false),
    reader: new DefinitionReader({ autoComplete: true, configName: '' }),
    lifeCycle,
    logger,
    controlMode: 'none',
    namespacing: false,
  });
  return { dataPlane, manager };
}

type Outputs = readonly Tensor[];

/** The outputs of one call: at once where the model runs on the event loop, which small ones soon do. */
function call(dataPlane: DataPlane, name: string, inputs: Outputs): Outputs | Promise<Outputs> {
  const message: InferRequestMessage = {
    id: '',
    parameters: defaultRequestParameters,
    inputs,
    rawInput: null,
    outputs: [],
  };
  let outputs: Outputs | null = null;
  let later: ((outputs: Outputs) => void) | null = null;
  dataPlane.infer(dataPlane.model(name, null), message, new Cancellation(), {
    respond(response) {
      outputs = response?.outputs ?? [];
      later?.(outputs);
    },
    fail(error) {
      throw error;
    },
  });
  return outputs ?? new Promise<Outputs>((resolve) => (later = resolve));
}

async function byHandLater(dataPlane: DataPlane, inputs: Outputs, from: number): Promise<void> {
  let tensors = inputs;
  for (const name of stepNames.slice(from)) {
    tensors = handedOn(await call(dataPlane, name, tensors));
  }
}

function byHand(dataPlane: DataPlane, inputs: Outputs): Promise<unknown> | null {
  let tensors = inputs;
  for (const [at, name] of stepNames.entries()) {
    const outputs = call(dataPlane, name, tensors);
    if (outputs instanceof Promise) {
      return outputs.then((given) => byHandLater(dataPlane, handedOn(given), at + 1));
    }
    tensors = handedOn(outputs);
  }
  return null;
}

function handedOn(outputs: Outputs): Outputs {
  return outputs.map((tensor, at) => ({ ...tensor, name: `INPUT${at}` }));
}

async function microsecondsPerCall(work: () => unknown): Promise<number> {
  const startMs = performance.now();
  for (let i = 0; i < callsPerRound; i++) {
    const ended = work();
    if (ended instanceof Promise) await ended;
  }
  return ((performance.now() - startMs) * 1_000) / callsPerRound;
}

const root = writeRepository();
const { dataPlane, manager } = openPlane(root);
if (!(await manager.update())) throw new Error('the models did not load');
const inputs = ['INPUT0', 'INPUT1'].map(
  (name): Tensor => ({
    name,
    dataType: 'FP32',
    shape: [16],
    data: new Uint8Array(new Float32Array(16).fill(1).buffer),
  }),
);
const hand: number[] = [];
const ensemble: number[] = [];
for (let round = -2; round < rounds; round++) {
  const one = await microsecondsPerCall(() => byHand(dataPlane, inputs));
  const other = await microsecondsPerCall(() => call(dataPlane, 'chain', inputs));
  if (round < 0) continue;
  hand.push(one);
  ensemble.push(other);
}
printTable(
  'three steps',
  [{ title: 'µs/request', digits: 2 }],
  [
    { name: 'steps by hand', samples: [hand] },
    { name: 'ensemble', samples: [ensemble] },
  ],
);
printVerdict('ensemble over its steps by hand', ratioOf(ensemble, hand), { atMost: 1.1 });
await manager.unloadAll();
rmSync(root, { recursive: true, force: true });
