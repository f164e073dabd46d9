import type { DataType, ModelConfig } from '@nereid/protocol';
import type { ServedModel } from '../../lifecycle/served-model.ts';
import { RequestError } from './request-error.ts';
import { slotsOf, type TensorSlot } from './text-model.ts';

/** A model that makes a vector of a text, and how it wants to be asked. */
export interface EmbeddingModel {
  readonly name: string;
  readonly input: TensorSlot;
  readonly output: TensorSlot;
  readonly inputs: ReadonlyMap<string, TensorSlot>;
  /** vLLM's way: JSON in, JSON out. */
  readonly json: boolean;
  readonly batched: boolean;
  /** Texts of one inference. */
  readonly textsMax: number;
}

const jsonInputName = 'embedding_request';
const jsonOutputName = 'text_output';
const inputNames = ['text_input', 'prompt', 'text'];
const outputNames = ['embedding', 'embeddings', 'sentence_embedding'];
const vectorTypes: ReadonlySet<DataType> = new Set(['FP16', 'BF16', 'FP32', 'FP64']);

const known = new WeakMap<ModelConfig, EmbeddingModel>();

/** @throws RequestError for a model that is no such. */
export function embeddingModelOf({ config }: ServedModel): EmbeddingModel {
  let model = known.get(config);
  if (model === undefined) {
    model = describe(config);
    known.set(config, model);
  }
  return model;
}

function describe(config: ModelConfig): EmbeddingModel {
  const inputs = slotsOf(config, config.input);
  const outputs = slotsOf(config, config.output);
  const { name } = config;
  const batched = config.max_batch_size > 0;
  const jsonInput = inputs.get(jsonInputName);
  const jsonOutput = outputs.get(jsonOutputName);
  if (jsonInput?.dataType === 'BYTES' && jsonOutput?.dataType === 'BYTES') {
    return { name, input: jsonInput, output: jsonOutput, inputs, json: true, batched, textsMax: 1 };
  }
  const input = choose(inputs, inputNames, ({ dataType }) => dataType === 'BYTES');
  const output = choose(outputs, outputNames, ({ dataType }) => vectorTypes.has(dataType));
  if (input === null || output === null) {
    throw new RequestError(
      `The model '${name}' makes no embeddings: it has no one string input with one output of floating-point numbers, nor vLLM's input '${jsonInputName}'.`,
      'model',
      'model_not_supported',
    );
  }
  const textsMax = Math.max(1, config.max_batch_size);
  return { name, input, output, inputs, json: false, batched, textsMax };
}

/** The one that has one of the names; else the only one of its kind. */
function choose(
  slots: ReadonlyMap<string, TensorSlot>,
  names: readonly string[],
  fits: (slot: TensorSlot) => boolean,
): TensorSlot | null {
  const fitting = [...slots.values()].filter(fits);
  const named = names.flatMap((name) => fitting.filter((slot) => slot.name === name));
  return named[0] ?? (fitting.length === 1 ? (fitting[0] as TensorSlot) : null);
}
