import { type EnsembleStep, type ModelConfig, TritonError } from '@nereid/protocol';
import { type ModelId, modelIdText } from '../core/model-key.ts';

/** A tensor of an ensemble, as the first who mentions it sees it. */
interface EnsembleTensor {
  readonly model: string;
  readonly dataType: string;
  readonly dims: readonly number[];
  /** With the batch dimension where the model batches. */
  readonly fullDims: readonly number[];
  /** Steps that read it. */
  readonly readers: CheckedStep[];
  /** Which decoupled step's answers it belongs to; null while that is not known. */
  label: number | null;
}

interface CheckedStep {
  readonly decoupled: boolean;
  readonly inputs: ReadonlySet<EnsembleTensor>;
  readonly outputs: readonly EnsembleTensor[];
  missing: number;
}

type Tensors = Map<string, EnsembleTensor>;

/**
 * Checks an ensemble against the models of its steps: that its tensors fit them, and that no step joins
 * answers of different decoupled steps.
 *
 * @param modelOf The completed configuration of a step's model.
 * @returns Whether the ensemble itself answers many times.
 * @throws TritonError INVALID_ARG with Triton's texts.
 */
export function validateEnsembleModels(
  id: ModelId,
  config: ModelConfig,
  modelOf: (step: EnsembleStep) => ModelConfig,
): boolean {
  const ensemble = modelIdText(id);
  const tensors: Tensors = new Map();
  const batches = config.max_batch_size > 0;
  for (const { name, data_type, dims, reshape } of [...config.input, ...config.output]) {
    if (tensors.has(name)) continue;
    tensors.set(name, tensorOf(ensemble, data_type, reshape?.shape ?? dims, batches));
  }
  for (const step of config.ensemble_scheduling?.step ?? []) {
    const model = modelOf(step);
    if (model.max_batch_size !== 0 && model.max_batch_size < config.max_batch_size) {
      throw invalid(
        `ensemble ${ensemble} allows maximum batch size ${config.max_batch_size}, but it contains model ${step.model_name} which only allows maximum batch size to be ${model.max_batch_size}`,
      );
    }
    checkStep(`in ensemble ${ensemble}, `, step, model, tensors);
  }
  return traceDecoupled(ensemble, config, tensors);
}

function checkStep(where: string, step: EnsembleStep, model: ModelConfig, tensors: Tensors): void {
  const stepModel = modelIdText({ namespace: step.model_namespace, name: step.model_name });
  const batches = model.max_batch_size > 0;
  const declaredInputs = new Map(model.input.map((input) => [input.name, input]));
  for (const [input, tensor] of step.input_map) {
    if (declaredInputs.has(input)) continue;
    throw invalid(
      `${where}ensemble tensor ${tensor} is mapping to non-existing input ${input} in model ${stepModel}`,
    );
  }
  const inputs = new Set<EnsembleTensor>();
  for (const { name, data_type, dims, optional } of model.input) {
    const tensor = step.input_map.get(name);
    if (tensor !== undefined) {
      inputs.add(agree(where, tensor, tensorOf(stepModel, data_type, dims, batches), tensors));
    } else if (!optional) {
      throw invalid(
        `${where}input ${name} in model ${stepModel} is not mapped to any ensemble tensors`,
      );
    }
  }
  const declaredOutputs = new Map(model.output.map((output) => [output.name, output]));
  const outputs: EnsembleTensor[] = [];
  for (const [output, tensor] of step.output_map) {
    const declared = declaredOutputs.get(output);
    if (declared === undefined) {
      throw invalid(
        `${where}ensemble tensor ${tensor} is mapped from non-existing output ${output} in model ${step.model_name}`,
      );
    }
    const { data_type, dims } = declared;
    outputs.push(agree(where, tensor, tensorOf(stepModel, data_type, dims, batches), tensors));
  }
  const decoupled = model.model_transaction_policy?.decoupled === true;
  const checked: CheckedStep = { decoupled, inputs, outputs, missing: inputs.size };
  for (const input of inputs) input.readers.push(checked);
}

/** The ensemble's tensor of this name, which must be what a step takes or gives. */
function agree(
  where: string,
  name: string,
  seen: EnsembleTensor,
  tensors: Tensors,
): EnsembleTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    tensors.set(name, seen);
    return seen;
  }
  const what = `${where}ensemble tensor ${name}: `;
  if (tensor.dataType !== seen.dataType) {
    throw invalid(
      `${what}inconsistent data type: ${tensor.dataType} is inferred from model ${tensor.model} while ${seen.dataType} is inferred from model ${seen.model}`,
    );
  }
  // A model without batching may take what a batching one gives, the batch's dimension included.
  if (!dimsFit(tensor.dims, seen.dims) && !dimsFit(tensor.fullDims, seen.fullDims)) {
    throw invalid(
      `${what}inconsistent shape: [${tensor.fullDims.join(',')}] is inferred from model ${tensor.model} while [${seen.fullDims.join(',')}] is inferred from model ${seen.model}`,
    );
  }
  return tensor;
}

/** Follows the data from the inputs. @returns Whether there is a decoupled step on the way. */
function traceDecoupled(ensemble: string, config: ModelConfig, tensors: Tensors): boolean {
  let labels = 0;
  const queue = config.input.map(({ name }) => tensors.get(name) as EnsembleTensor);
  for (const tensor of queue) tensor.label = 0;
  for (let at = 0; at < queue.length; at++) {
    for (const step of (queue[at] as EnsembleTensor).readers) {
      if (--step.missing > 0) continue;
      const model = step.outputs[0]?.model ?? ensemble;
      let label = oneLabel(ensemble, model, step.inputs);
      if (step.decoupled) label = ++labels;
      for (const output of step.outputs) {
        if (output.label !== null) continue;
        output.label = label;
        queue.push(output);
      }
    }
  }
  const outputs = config.output.map(({ name }) => tensors.get(name) as EnsembleTensor);
  if (outputs.every(({ label }) => label !== null)) oneLabel(ensemble, ensemble, outputs);
  return labels > 0;
}

function oneLabel(ensemble: string, model: string, tensors: Iterable<EnsembleTensor>): number {
  let label: number | null = null;
  for (const tensor of tensors) {
    label ??= tensor.label;
    if (tensor.label === label) continue;
    throw invalid(
      `in ensemble ${ensemble}, step of model '${model}' receives inputs originated from different decoupled models`,
    );
  }
  return label ?? 0;
}

function tensorOf(
  model: string,
  dataType: string,
  dims: readonly number[],
  batches: boolean,
): EnsembleTensor {
  const fullDims = batches ? [-1, ...dims] : dims;
  return { model, dataType, dims, fullDims, readers: [], label: null };
}

function dimsFit(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === -1 || b[i] === -1 || dim === b[i]);
}

function invalid(text: string): TritonError {
  return new TritonError('INVALID_ARG', text);
}
