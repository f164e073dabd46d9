import type { EnsembleStep, ModelConfig, RequestedOutput } from '@nereid/protocol';
import type { ModelId } from '../../core/model-key.ts';

/** An input of a step's model and the ensemble tensor that it is fed from. */
export interface StepInput {
  readonly name: string;
  /** Index into the ensemble's tensors. */
  readonly tensor: number;
}

/** One step, its tensors as indices. */
export interface PlannedStep {
  readonly index: number;
  readonly model: ModelId;
  /** Null for the highest version that is ready. */
  readonly version: number | null;
  /** By the bytes of their names, as Triton goes through them. */
  readonly inputs: readonly StepInput[];
  /** The tensors that it waits for, each once. */
  readonly inputTensors: readonly number[];
  /** Tensor by the name of the model's output. */
  readonly outputs: ReadonlyMap<string, number>;
  /** What its requests ask for. */
  readonly requestedOutputs: readonly RequestedOutput[];
}

/** An input or output of the ensemble. */
export interface EnsemblePort {
  readonly name: string;
  readonly tensor: number;
  readonly optional: boolean;
  /** Without the batch dimension, as the steps see it. */
  readonly dims: readonly number[];
}

/** What is known of an ensemble before any request: who waits for what. */
export interface EnsemblePlan {
  readonly name: string;
  readonly batches: boolean;
  readonly decoupled: boolean;
  /** 0 for no limit. */
  readonly inflightRequestsMax: number;
  readonly steps: readonly PlannedStep[];
  readonly tensorCount: number;
  /** Steps that wait for a tensor, by tensor. A step that takes it twice is there once. */
  readonly readers: readonly (readonly number[])[];
  /** The step that writes a tensor, by tensor; -1 for the ensemble's inputs. */
  readonly writers: readonly number[];
  readonly inputs: ReadonlyMap<string, EnsemblePort>;
  readonly outputs: ReadonlyMap<string, EnsemblePort>;
}

/** @param config Of a valid ensemble, the namespaces of its steps' models filled in. */
export function ensemblePlan(config: ModelConfig): EnsemblePlan {
  const tensors = new Map<string, number>();
  const tensorOf = (name: string): number => {
    let index = tensors.get(name);
    if (index === undefined) {
      index = tensors.size;
      tensors.set(name, index);
    }
    return index;
  };
  const scheduling = config.ensemble_scheduling;
  if (scheduling === null) throw new Error(`model '${config.name}' is no ensemble`);
  const inputs = portsOf(config.input, tensorOf);
  const outputs = portsOf(config.output, tensorOf);
  const steps = scheduling.step.map((step, index) => plannedStep(step, index, tensorOf));
  const readers = Array.from({ length: tensors.size }, (): number[] => []);
  const writers = Array.from({ length: tensors.size }, () => -1);
  for (const step of steps) {
    for (const tensor of step.inputTensors) readers[tensor]?.push(step.index);
    for (const tensor of step.outputs.values()) writers[tensor] = step.index;
  }
  return {
    name: config.name,
    batches: config.max_batch_size > 0,
    decoupled: config.model_transaction_policy?.decoupled === true,
    inflightRequestsMax: scheduling.max_inflight_requests,
    steps,
    tensorCount: tensors.size,
    readers,
    writers,
    inputs,
    outputs,
  };
}

function portsOf(
  list: ModelConfig['input'] | ModelConfig['output'],
  tensorOf: (name: string) => number,
): ReadonlyMap<string, EnsemblePort> {
  const ports = new Map<string, EnsemblePort>();
  for (const { name, dims, reshape, ...rest } of list) {
    const optional = 'optional' in rest && rest.optional;
    ports.set(name, { name, tensor: tensorOf(name), optional, dims: reshape?.shape ?? dims });
  }
  return ports;
}

function plannedStep(
  step: EnsembleStep,
  index: number,
  tensorOf: (name: string) => number,
): PlannedStep {
  const inputs = [...step.input_map]
    .map(([name, tensor]) => ({ name, tensor: tensorOf(tensor) }))
    .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  return {
    index,
    model: { namespace: step.model_namespace, name: step.model_name },
    version: step.model_version < 0 ? null : step.model_version,
    inputs,
    inputTensors: [...new Set(inputs.map((input) => input.tensor))],
    outputs: new Map([...step.output_map].map(([name, tensor]) => [name, tensorOf(tensor)])),
    requestedOutputs: [...step.output_map.keys()].map((name) => ({
      name,
      binary: true,
      classificationCount: 0,
      sharedMemory: null,
    })),
  };
}
