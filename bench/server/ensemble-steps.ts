/**
 * Claim: an ensemble of three steps costs at most 1.1 times its steps called one after the other in
 * the same process, their outputs handed on by hand. ONNX models of one layer of 512 × 512, no sockets.
 * Beside it: the same with models that do next to nothing, which shows what the ensemble's own request costs.
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
import { onnxModel } from '../../packages/test-kit/src/onnx-writer.ts';
import { printTable, printVerdict } from '../harness/claim-report.ts';
import { ratioOf } from '../harness/spread.ts';

const rounds = 15;
const stepNames = ['one', 'two', 'three'];

/** Models of one input and one output of this many numbers. */
interface StepSize {
  readonly title: string;
  readonly elements: number;
  readonly callsPerRound: number;
}

const layer: StepSize = { title: 'a layer of 512 × 512', elements: 512, callsPerRound: 800 };
const nothing: StepSize = { title: 'next to nothing', elements: 4, callsPerRound: 4_000 };

/** One layer of a network: as many multiplications as the square of its elements. */
function layerModel(elements: number): Uint8Array {
  const weights = new Float32Array(elements * elements).fill(1 / elements);
  const shape = [1, elements];
  return onnxModel({
    nodes: [
      { op: 'MatMul', inputs: ['INPUT', 'weights'], outputs: ['product'] },
      { op: 'Relu', inputs: ['product'], outputs: ['OUTPUT'] },
    ],
    initializers: [
      {
        name: 'weights',
        type: 'FLOAT',
        shape: [elements, elements],
        data: new Uint8Array(weights.buffer),
      },
    ],
    inputs: [{ name: 'INPUT', type: 'FLOAT', shape }],
    outputs: [{ name: 'OUTPUT', type: 'FLOAT', shape }],
  });
}

function step(name: string, at: number): string {
  const from = at === 0 ? 'INPUT' : `t${at}`;
  const to = at === stepNames.length - 1 ? 'OUTPUT' : `t${at + 1}`;
  return `step { model_name: "${name}" model_version: -1
    input_map { key: "INPUT" value: "${from}" } output_map { key: "OUTPUT" value: "${to}" } }`;
}

function writeRepository({ elements }: StepSize): string {
  const root = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  const io = ['input', 'output']
    .map(
      (kind) =>
        `${kind} { name: "${kind.toUpperCase()}" data_type: TYPE_FP32 dims: [ 1, ${elements} ] }`,
    )
    .join(' ');
  for (const name of [...stepNames, 'chain']) {
    mkdirSync(join(root, name, '1'), { recursive: true });
    const kind =
      name === 'chain'
        ? `platform: "ensemble" ensemble_scheduling { ${stepNames.map(step).join(' ')} }`
        : 'backend: "onnxruntime" parameters { key: "intra_op_thread_count" value: { string_value: "1" } }';
    writeFileSync(join(root, name, 'config.pbtxt'), `${kind} ${io}`);
    if (name !== 'chain') {
      writeFileSync(join(root, name, '1', 'model.onnx'), layerModel(elements));
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
  return outputs.map((tensor) => ({ ...tensor, name: 'INPUT' }));
}

async function microsecondsPerCall(calls: number, work: () => unknown): Promise<number> {
  const startMs = performance.now();
  for (let i = 0; i < calls; i++) {
    const ended = work();
    if (ended instanceof Promise) await ended;
  }
  return ((performance.now() - startMs) * 1_000) / calls;
}

interface Times {
  readonly byHand: number[];
  readonly ensemble: number[];
}

async function measure(size: StepSize): Promise<Times> {
  const root = writeRepository(size);
  const { dataPlane, manager } = openPlane(root);
  if (!(await manager.update())) throw new Error('the models did not load');
  const data = new Uint8Array(new Float32Array(size.elements).fill(1).buffer);
  const inputs: Outputs = [{ name: 'INPUT', dataType: 'FP32', shape: [1, size.elements], data }];
  const times: Times = { byHand: [], ensemble: [] };
  for (let round = -2; round < rounds; round++) {
    const calls = size.callsPerRound;
    const one = await microsecondsPerCall(calls, () => byHand(dataPlane, inputs));
    const other = await microsecondsPerCall(calls, () => call(dataPlane, 'chain', inputs));
    if (round < 0) continue;
    times.byHand.push(one);
    times.ensemble.push(other);
  }
  printTable(
    `three steps, each ${size.title}`,
    [{ title: 'µs/request', digits: 2 }],
    [
      { name: 'steps by hand', samples: [times.byHand] },
      { name: 'ensemble', samples: [times.ensemble] },
    ],
  );
  await manager.unloadAll();
  rmSync(root, { recursive: true, force: true });
  return times;
}

await measure(nothing);
const { byHand: hand, ensemble } = await measure(layer);
printVerdict('ensemble over its steps by hand', ratioOf(ensemble, hand), { atMost: 1.1 });
