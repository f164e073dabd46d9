import type { ParameterValue, Tensor } from '@nereid/protocol';
import { type RequestError, unsupported } from './request-error.ts';
import type { Guide } from './response-format.ts';
import type { Sampling, SamplingValue } from './sampling.ts';
import { bytesTensor, numbersTensor, stringsTensor } from './slot-tensor.ts';
import type { TensorSlot, TextModel } from './text-model.ts';

/** What a model is asked for. */
export interface GenerationRequest {
  /** Text, or the tokens of one. */
  readonly prompt: string;
  readonly images: readonly Uint8Array[];
  readonly sampling: Sampling;
  readonly stream: boolean;
  /** How many of the likeliest tokens to tell at each place; null to tell nothing. */
  readonly logprobs: number | null;
  /** What the text has to look like; null for any. */
  readonly guide: Guide | null;
}

/** What goes to the model: its inputs, and as parameters of the request what it has no input for. */
export interface ModelInputs {
  readonly inputs: readonly Tensor[];
  readonly parameters: ReadonlyMap<string, ParameterValue>;
}

/** Inputs that say something of the answer, with what they are always given. */
const flags: Readonly<Record<string, boolean>> = {
  exclude_input_in_output: true,
  sampling_param_exclude_input_from_output: true,
  return_num_input_tokens: true,
  return_num_output_tokens: true,
  return_finish_reason: true,
};

/** What TensorRT-LLM's models call a parameter. */
const inputNames: Readonly<Record<string, readonly string[]>> = {
  max_tokens: ['max_tokens', 'sampling_param_max_tokens', 'max_new_tokens', 'request_output_len'],
  seed: ['seed', 'random_seed', 'sampling_param_seed'],
  stop: ['stop_words', 'stop', 'sampling_param_stop'],
};

/** True for a model that ends its text at stop sequences by itself. */
export function stopsByItself(model: TextModel): boolean {
  return model.jsonSampling !== null || slotFor(model, 'stop') !== null;
}

/** @throws RequestError, TritonError for what the model cannot be asked. */
export function generationInputs(model: TextModel, request: GenerationRequest): ModelInputs {
  const inputs: Tensor[] = [stringsTensor(model.textInput, [request.prompt])];
  const parameters = new Map<string, ParameterValue>();
  addFlag(inputs, model, 'stream', request.stream && model.decoupled);
  for (const [name, value] of Object.entries(flags)) addFlag(inputs, model, name, value);
  addImages(inputs, model, request.images);
  if (model.jsonSampling === null) {
    if (request.logprobs !== null) throw noLogprobs(model);
    addGuide(inputs, model, request.guide);
    addParameters(inputs, parameters, model, request.sampling);
  } else {
    if (request.logprobs !== null && !model.outputs.has('logprobs')) throw noLogprobs(model);
    addFlag(inputs, model, 'return_logprobs', request.logprobs !== null);
    inputs.push(stringsTensor(model.jsonSampling, [samplingJson(request)]));
  }
  return { inputs, parameters };
}

function addFlag(inputs: Tensor[], model: TextModel, name: string, value: boolean): void {
  const slot = model.inputs.get(name);
  if (slot?.dataType === 'BOOL') inputs.push(numbersTensor(slot, [value]));
}

function addImages(inputs: Tensor[], model: TextModel, images: readonly Uint8Array[]): void {
  if (images.length === 0) return;
  const slot = model.imageInput;
  if (slot === null) throw unsupported('messages', `The model '${model.name}' takes no images.`);
  if (slot.dataType === 'UINT8') {
    const [image, ...others] = images;
    if (others.length > 0) {
      throw unsupported('messages', `The model '${model.name}' takes one image only.`);
    }
    inputs.push(bytesTensor(slot, image as Uint8Array));
    return;
  }
  // vLLM's backend reads images as base64.
  const base64 = model.jsonSampling !== null;
  inputs.push(
    stringsTensor(
      slot,
      images.map((image) => (base64 ? Buffer.from(image).toString('base64') : image)),
    ),
  );
}

function addGuide(inputs: Tensor[], model: TextModel, guide: Guide | null): void {
  if (guide === null) return;
  const type = model.inputs.get('guided_decoding_guide_type');
  const text = model.inputs.get('guided_decoding_guide');
  if (type === undefined || text === undefined) {
    const message = `The model '${model.name}' cannot be held to a format: it has no input 'guided_decoding_guide'.`;
    throw unsupported(guide.param, message);
  }
  inputs.push(stringsTensor(type, [guide.schema === null ? 'json' : 'json_schema']));
  if (guide.schema !== null) inputs.push(stringsTensor(text, [guide.schema]));
}

/** One input a parameter, as TensorRT-LLM has it; a parameter of the request where there is no such input. */
function addParameters(
  inputs: Tensor[],
  parameters: Map<string, ParameterValue>,
  model: TextModel,
  sampling: Sampling,
): void {
  for (const [name, value] of samplingEntries(sampling)) {
    const slot = slotFor(model, name);
    if (slot !== null) inputs.push(valueTensor(slot, value));
    else if (name !== 'stop') parameters.set(name, parameterOf(name, value));
  }
}

function slotFor(model: TextModel, name: string): TensorSlot | null {
  for (const candidate of inputNames[name] ?? [name, `sampling_param_${name}`]) {
    const slot = model.inputs.get(candidate);
    if (slot !== undefined) return slot;
  }
  return null;
}

function valueTensor(slot: TensorSlot, value: SamplingValue | bigint): Tensor {
  const values = Array.isArray(value) ? value : [value];
  if (slot.dataType === 'BYTES') return stringsTensor(slot, values.map(String));
  return numbersTensor(slot, values as readonly (number | bigint | boolean)[]);
}

function parameterOf(name: string, value: SamplingValue | bigint): ParameterValue {
  if (typeof value === 'boolean') return { kind: 'bool', value };
  if (typeof value === 'bigint') return { kind: 'int', value };
  if (typeof value !== 'number') return { kind: 'string', value: JSON.stringify(value) };
  return integers.has(name) ? { kind: 'int', value } : { kind: 'double', value };
}

const integers: ReadonlySet<string> = new Set(['max_tokens', 'min_tokens', 'seed', 'top_k']);

/** The parameters that a request names, by OpenAI's and vLLM's names. */
function samplingEntries(sampling: Sampling): [string, SamplingValue | bigint][] {
  const entries: [string, SamplingValue | bigint | null][] = [
    ['max_tokens', sampling.maxTokens],
    ['temperature', sampling.temperature],
    ['top_p', sampling.topP],
    ['frequency_penalty', sampling.frequencyPenalty],
    ['presence_penalty', sampling.presencePenalty],
    ['seed', sampling.seed],
    ['stop', sampling.stop.length === 0 ? null : sampling.stop],
    ...sampling.more,
  ];
  return entries.filter((entry): entry is [string, SamplingValue | bigint] => entry[1] !== null);
}

/** `sampling_parameters` of vLLM's backend. A seed may be beyond what `JSON.stringify` knows. */
function samplingJson({ sampling, logprobs, guide }: GenerationRequest): string {
  const members = samplingEntries(sampling).map(([name, value]) => member(name, value));
  if (logprobs !== null) members.push(member('logprobs', logprobs));
  if (guide !== null) {
    const format = guide.schema === null ? { json_object: true } : { json: guide.schema };
    members.push(`"structured_outputs":${JSON.stringify(JSON.stringify(format))}`);
  }
  return `{${members.join(',')}}`;
}

function member(name: string, value: SamplingValue | bigint): string {
  return `"${name}":${typeof value === 'bigint' ? value : JSON.stringify(value)}`;
}

function noLogprobs({ name }: TextModel): RequestError {
  return unsupported('logprobs', `The model '${name}' tells no log probabilities.`);
}
