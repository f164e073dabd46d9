import { type DataType, dataTypeFromConfig, type ModelConfig } from '@nereid/protocol';
import type { ServedModel } from '../../lifecycle/served-model.ts';
import { RequestError } from './request-error.ts';

/** An input or output, its shape with the batch dimension. */
export interface TensorSlot {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly number[];
}

/** A model that makes text of text, and how it wants to be asked. */
export interface TextModel {
  readonly name: string;
  readonly textInput: TensorSlot;
  /** Where bytes of pictures go; null for a model without eyes. */
  readonly imageInput: TensorSlot | null;
  readonly textOutput: string;
  readonly inputs: ReadonlyMap<string, TensorSlot>;
  readonly outputs: ReadonlyMap<string, TensorSlot>;
  /** It may answer more than once: its answer can be streamed. */
  readonly decoupled: boolean;
  /** vLLM's way: all parameters in one JSON text. */
  readonly jsonSampling: TensorSlot | null;
}

const textInputNames = ['text_input', 'prompt'];
const textOutputNames = ['text_output', 'generated_text'];
const imageInputName = 'image';
const jsonSamplingName = 'sampling_parameters';

const known = new WeakMap<ModelConfig, TextModel>();

/** @throws RequestError for a model that is no such. */
export function textModelOf({ config }: ServedModel): TextModel {
  let model = known.get(config);
  if (model === undefined) {
    model = describe(config);
    known.set(config, model);
  }
  return model;
}

/** The inputs, or the outputs, of a model by name. */
export function slotsOf(
  config: ModelConfig,
  tensors: ModelConfig['input'] | ModelConfig['output'],
): ReadonlyMap<string, TensorSlot> {
  const slots = new Map<string, TensorSlot>();
  for (const { name, data_type, dims } of tensors) {
    const dataType = dataTypeFromConfig(data_type);
    if (dataType === null) continue;
    slots.set(name, { name, dataType, shape: config.max_batch_size > 0 ? [-1, ...dims] : dims });
  }
  return slots;
}

function describe(config: ModelConfig): TextModel {
  const inputs = slotsOf(config, config.input);
  const outputs = slotsOf(config, config.output);
  const textInput = firstText(inputs, textInputNames);
  const textOutput = firstText(outputs, textOutputNames);
  if (textInput === null || textOutput === null) {
    throw new RequestError(
      `The model '${config.name}' does not generate text: it has no string input 'text_input' or 'prompt' with a string output 'text_output' or 'generated_text'.`,
      'model',
      'model_not_supported',
    );
  }
  return {
    name: config.name,
    textInput,
    imageInput: inputs.get(imageInputName) ?? null,
    textOutput: textOutput.name,
    inputs,
    outputs,
    decoupled: config.model_transaction_policy?.decoupled === true,
    jsonSampling: firstText(inputs, [jsonSamplingName]),
  };
}

function firstText(
  slots: ReadonlyMap<string, TensorSlot>,
  names: readonly string[],
): TensorSlot | null {
  for (const name of names) {
    const slot = slots.get(name);
    if (slot?.dataType === 'BYTES') return slot;
  }
  return null;
}
