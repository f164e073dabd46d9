import {
  type DataType,
  dataTypeFromConfig,
  type ModelConfig,
  type ModelInput,
  type ModelOutput,
} from '@nereid/protocol';
import type { ServedModel } from '../lifecycle/served-model.ts';

/** What requests must give for one input of the model. */
export interface InputRule {
  readonly name: string;
  readonly dataType: DataType;
  /** Without the batch dimension, -1 where the size varies. */
  readonly dims: readonly number[];
  /** The shape that the backend sees instead of `dims`, or null. */
  readonly reshape: readonly number[] | null;
  readonly optional: boolean;
  /** A shape tensor has no batch dimension even where the model batches. */
  readonly shapeTensor: boolean;
  /** Place in the configuration. */
  readonly index: number;
}

/** What the model answers with for one output. */
export interface OutputRule {
  readonly name: string;
  readonly dims: readonly number[];
  /** The shape that the backend answers with where it is not `dims`, or null. */
  readonly reshape: readonly number[] | null;
  /** Place among the outputs sorted by name. */
  readonly order: number;
}

/** Everything that validating a request needs, derived from the configuration once per loaded version. */
export interface RequestRules {
  readonly modelName: string;
  readonly maxBatchSize: number;
  readonly inputs: readonly InputRule[];
  readonly inputByName: ReadonlyMap<string, InputRule>;
  readonly requiredInputCount: number;
  readonly outputByName: ReadonlyMap<string, OutputRule>;
  /** Names of all outputs, in the order in which backends answer. */
  readonly outputNames: readonly string[];
  readonly reshapesInputs: boolean;
  readonly reshapesOutputs: boolean;
  readonly decoupled: boolean;
  /** The control input that carries the sequence id, or null. */
  readonly sequenceId: SequenceIdRule | null;
}

/** What a model with a sequence scheduler takes for a sequence id. */
export interface SequenceIdRule {
  readonly inputName: string;
  readonly dataType: DataType;
}

export function deriveRequestRules({ config }: Pick<ServedModel, 'config'>): RequestRules {
  const inputs = config.input.map(inputRule);
  const outputNames = config.output.map((output) => output.name).sort(compareBytes);
  const outputs = config.output.map((output) => outputRule(output, outputNames));
  return {
    modelName: config.name,
    maxBatchSize: config.max_batch_size,
    inputs,
    inputByName: new Map(inputs.map((rule) => [rule.name, rule])),
    requiredInputCount: inputs.filter((rule) => !rule.optional).length,
    outputByName: new Map(outputs.map((rule) => [rule.name, rule])),
    outputNames,
    reshapesInputs: inputs.some((rule) => rule.reshape !== null),
    reshapesOutputs: outputs.some((rule) => rule.reshape !== null),
    decoupled: config.model_transaction_policy?.decoupled ?? false,
    sequenceId: sequenceIdRule(config),
  };
}

function sequenceIdRule(config: ModelConfig): SequenceIdRule | null {
  for (const input of config.sequence_batching?.control_input ?? []) {
    for (const control of input.control) {
      const dataType = dataTypeFromConfig(control.data_type);
      if (control.kind === 'CONTROL_SEQUENCE_CORRID' && dataType !== null) {
        return { inputName: input.name, dataType };
      }
    }
  }
  return null;
}

/** Triton keeps requested outputs in a std::set: they come in the order of their names' bytes. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function inputRule(input: ModelInput, index: number): InputRule {
  const dataType = dataTypeFromConfig(input.data_type);
  if (dataType === null) throw new Error(`input '${input.name}' was loaded without a data type`);
  return {
    name: input.name,
    dataType,
    dims: input.dims,
    reshape: input.reshape?.shape ?? null,
    optional: input.optional,
    shapeTensor: input.is_shape_tensor,
    index,
  };
}

function outputRule(output: ModelOutput, sortedNames: readonly string[]): OutputRule {
  return {
    name: output.name,
    dims: output.dims,
    reshape: output.reshape?.shape ?? null,
    order: sortedNames.indexOf(output.name),
  };
}
