import { randomFill } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import {
  type DataType,
  dataTypeFromConfig,
  elementByteSize,
  type ModelConfig,
  type ModelWarmup,
  requestIdPrefix,
  type Tensor,
  TritonError,
  type WarmupInput,
} from '@nereid/protocol';

/** The folder beside the configuration in which warmup files lie. */
const warmupFolder = 'warmup';
/** Of one input; what a request over the wire could not bring is no sample of one. */
const inputBytesMax = 2 ** 31 - 1;
/** Requests in the batch of one sample, and runs of it. */
const batchSizeMax = 65_536;
const runsMax = 1_000_000;

/** One entry of `model_warmup`: a request that stands for every one of the batch. */
export interface WarmupSample {
  readonly name: string;
  /** Requests of one row each in a batch. */
  readonly batchSize: number;
  readonly runCount: number;
  /** Inputs of the model, with the batch dimension. */
  readonly inputs: readonly Tensor[];
  /** Inputs that are none of the model's own: the controls of a sequence. */
  readonly controls: readonly Tensor[];
}

/**
 * Makes the samples that a configuration asks for. A batch size of 0 asks for none.
 *
 * @param directory the model's folder.
 * @throws TritonError INVALID_ARG with Triton's texts, INTERNAL for a file that cannot be read.
 */
export async function warmupSamples(
  config: ModelConfig,
  directory: string,
): Promise<readonly WarmupSample[]> {
  const wanted = config.model_warmup.filter(({ batch_size }) => batch_size > 0);
  const samples: WarmupSample[] = [];
  for (const warmup of wanted) samples.push(await makeSample(warmup, config, directory));
  return samples;
}

async function makeSample(
  warmup: ModelWarmup,
  config: ModelConfig,
  directory: string,
): Promise<WarmupSample> {
  const { name, batch_size: batchSize } = warmup;
  if (batchSize > batchSizeMax || warmup.count > runsMax) {
    throw invalid(
      `warmup sample '${name}' asks for ${batchSize} requests in a batch and ${warmup.count} runs, at most ${batchSizeMax} and ${runsMax} are possible`,
    );
  }
  const sizes = new Map<string, number>();
  for (const [input, content] of warmup.inputs) sizes.set(input, byteSize(input, content));
  const inputs: Tensor[] = [];
  const controls: Tensor[] = [];
  for (const [input, content] of warmup.inputs) {
    const own = config.input.some((declared) => declared.name === input);
    const data = await contentOf(input, content, sizes.get(input) as number, directory);
    const batched = own && config.max_batch_size > 0;
    const shape = batched ? [1, ...content.dims] : content.dims;
    const tensor = { name: input, dataType: wireType(input, content), shape, data };
    (own ? inputs : controls).push(tensor);
  }
  return { name, batchSize, runCount: Math.max(1, warmup.count), inputs, controls };
}

/** A string counts four bytes, which are its length. */
function byteSize(input: string, content: WarmupInput): number {
  if (content.dims.some((dim) => dim < 0)) {
    throw invalid(
      `warmup setting expects all variable-size dimensions are specified for input '${input}'`,
    );
  }
  const dataType = wireType(input, content);
  const elementBytes = dataType === 'BYTES' ? 4 : elementByteSize(dataType);
  const bytes = content.dims.reduce((product, dim) => product * dim, elementBytes);
  if (bytes > inputBytesMax) {
    throw invalid(
      `warmup setting asks for ${bytes} bytes for input '${input}', at most ${inputBytesMax} are possible`,
    );
  }
  return bytes;
}

function wireType(input: string, { data_type }: WarmupInput): DataType {
  const dataType = dataTypeFromConfig(data_type);
  if (dataType === null) throw invalid(`warmup setting expects a data_type for input '${input}'`);
  return dataType;
}

async function contentOf(
  input: string,
  content: WarmupInput,
  bytes: number,
  directory: string,
): Promise<Uint8Array> {
  if (content.input_data_file !== null) return fileContent(content, bytes, directory);
  if (content.zero_data !== null) return new Uint8Array(bytes);
  if (content.random_data === null) {
    throw invalid(
      `${requestIdPrefix('')}warmup setting expects input '${input}' to have input_data_type set`,
    );
  }
  // Random bytes are no strings: Triton takes empty ones.
  if (content.data_type === 'TYPE_STRING') return new Uint8Array(bytes);
  return promisify(randomFill)(new Uint8Array(bytes)) as Promise<Uint8Array>;
}

async function fileContent(
  { data_type, input_data_file }: WarmupInput,
  bytes: number,
  directory: string,
): Promise<Uint8Array> {
  const file = input_data_file as string;
  const content = await readWarmupFile(join(directory, warmupFolder), file);
  if (data_type === 'TYPE_STRING') return content;
  if (bytes > content.length) {
    throw invalid(
      `${requestIdPrefix('')}warmup setting expects ${bytes} bytes, but the data provided from ${file}only has ${content.length} bytes`,
    );
  }
  return content.subarray(0, bytes);
}

/** A configuration may come with a load request: its files are in the model's folder and nowhere else. */
async function readWarmupFile(folder: string, file: string): Promise<Uint8Array> {
  const relative = normalize(file);
  if (isAbsolute(relative) || relative === '..' || relative.startsWith('../')) {
    throw invalid(`warmup file '${file}' is outside of the model's folder '${warmupFolder}'`);
  }
  const path = join(folder, relative);
  try {
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'No such file or directory' : message;
    throw new TritonError('INTERNAL', `failed to open text file for read ${path}: ${reason}`);
  }
}

function invalid(text: string): TritonError {
  return new TritonError('INVALID_ARG', text);
}
