import { readFile } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { allocateAligned } from '@nereid/native';
import {
  dataTypeFromConfig,
  elementByteSize,
  type ModelConfig,
  type SequenceInitialState,
  type SequenceState,
  TritonError,
} from '@nereid/protocol';
import type { StateSettings } from './kept-states.ts';

/** Folder of a model with what its states begin with. */
const initialStateFolder = 'initial_state';

/** What a state may begin with, as an input may have: each sequence gets a copy. */
const stateBytesMax = 2 ** 31 - 1;

/** Bytes of a string's length. */
const lengthPrefixBytes = 4;

/**
 * The implicit states of a model, with what sequences begin with read into memory.
 * @throws TritonError INVALID_ARG with Triton's texts; INTERNAL for a file that cannot be read
 */
export async function readStateSettings(
  config: ModelConfig,
  modelDirectory: string,
): Promise<readonly StateSettings[]> {
  const states = config.sequence_batching?.state ?? [];
  const names = new Set<string>();
  for (const { input_name } of states) {
    if (names.has(input_name))
      throw invalid(`State input name '${input_name}' specified more than once.`);
    names.add(input_name);
  }
  return Promise.all(states.map((state) => readState(config, state, modelDirectory)));
}

async function readState(
  config: ModelConfig,
  state: SequenceState,
  modelDirectory: string,
): Promise<StateSettings> {
  const { input_name, output_name, dims, initial_state } = state;
  const dataType = dataTypeFromConfig(state.data_type);
  if (dataType === null || input_name === '' || output_name === '') {
    throw invalid(
      `state '${input_name}' of model '${config.name}' must have an input_name, an output_name and a data_type`,
    );
  }
  if (initial_state.length > 1) {
    throw invalid(
      `initial_state field for state input '${input_name}' must contain exactly one or zero element. Found '${initial_state.length}' elements.`,
    );
  }
  const [initial] = initial_state;
  if (initial !== undefined) checkInitialState(state, initial);
  if (state.use_growable_memory && !state.use_same_buffer_for_input_output) {
    throw invalid(
      `In order to 'use_growable_memory', you must also enable 'use_single_buffer' for state input name '${input_name}'.`,
    );
  }
  // As long as nothing is known of a size that varies, it is 1.
  const shape = (initial?.dims ?? dims).map((dim) => (dim < 0 ? 1 : dim));
  const bytes = shape.reduce(
    (product, dim) => product * dim,
    dataType === 'BYTES' ? lengthPrefixBytes : elementByteSize(dataType),
  );
  if (bytes > stateBytesMax) {
    throw invalid(
      `state '${input_name}' of model '${config.name}' begins with ${bytes} bytes, at most ${stateBytesMax} are possible`,
    );
  }
  return {
    inputName: input_name,
    outputName: output_name,
    dataType,
    shape: config.max_batch_size > 0 ? [1, ...shape] : shape,
    initial: await initialBytes(state, initial, bytes, modelDirectory),
    sameBuffer: state.use_same_buffer_for_input_output,
    growable: state.use_growable_memory,
  };
}

function checkInitialState(state: SequenceState, initial: SequenceInitialState): void {
  const { input_name: input, dims } = state;
  if (initial.data_type !== state.data_type) {
    throw invalid(
      `The data type used for 'initial_state' field of state '${input}' does not match the state data type.`,
    );
  }
  if (initial.name === '') {
    throw invalid(`Field 'name' must be set when using initial_state for state input '${input}'.`);
  }
  if (initial.dims.length !== dims.length) {
    throw invalid(
      `Number of dimensions in 'initial_state' doesn't match the size of 'state' dimensions for state input '${input}'. ${initial.dims.length} != ${dims.length}`,
    );
  }
  for (const [index, dim] of initial.dims.entries()) {
    if (dim < 0) {
      throw invalid(
        `'initial_state' field for state input name '${input}' contains variable dimensions.`,
      );
    }
    if (dims[index] !== -1 && dims[index] !== dim) {
      throw invalid(
        `'initial_state' dim for input name '${input}' doesn't match 'state' dim description. ${dim} != ${dims[index]}`,
      );
    }
  }
  if (initial.zero_data === null && initial.data_file === null) {
    throw invalid(`initial_state setting expects state'${input}' to have state_data set`);
  }
}

async function initialBytes(
  state: SequenceState,
  initial: SequenceInitialState | undefined,
  bytes: number,
  modelDirectory: string,
): Promise<Uint8Array> {
  const file = initial?.data_file ?? null;
  if (file === null) return allocateAligned(bytes).fill(0);
  const content = await readStateFile(file, modelDirectory);
  const text = state.data_type === 'TYPE_STRING';
  if (!text && content.byteLength < bytes) {
    // Triton's text, the missing space included.
    throw invalid(
      `initial_state setting expects ${bytes} bytes, but the data provided from ${file}only has ${content.byteLength} bytes.`,
    );
  }
  const data = allocateAligned(text ? content.byteLength : bytes);
  data.set(content.subarray(0, data.byteLength));
  return data;
}

async function readStateFile(file: string, modelDirectory: string): Promise<Uint8Array> {
  const folder = resolve(modelDirectory, initialStateFolder);
  const path = join(folder, file);
  if (!path.startsWith(folder + sep)) {
    throw invalid(
      `data_file '${file}' of an initial_state must lie in the model's folder '${initialStateFolder}'`,
    );
  }
  try {
    return await readFile(path);
  } catch (error) {
    throw new TritonError(
      'INTERNAL',
      `failed to open text file for read ${path}: ${(error as NodeJS.ErrnoException).code}`,
      {
        cause: error,
      },
    );
  }
}

function invalid(message: string): TritonError {
  return new TritonError('INVALID_ARG', message);
}
