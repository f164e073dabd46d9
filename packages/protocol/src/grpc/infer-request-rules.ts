import type {
  InferRequestMessage,
  RequestedOutput,
  SharedMemoryLookup,
  SharedMemoryRange,
} from '../infer/infer-request-message.ts';
import { requestDataType } from '../infer/request-data-type.ts';
import { requestIdPrefix } from '../infer/request-id-prefix.ts';
import type { Tensor } from '../tensor.ts';
import { TritonError } from '../triton-error.ts';
import type { WireInferRequest, WireInput, WireOutput } from './infer-request-wire.ts';
import { requestParameters } from './request-parameters.ts';
import { classificationCount, sharedMemoryRange } from './tensor-parameters.ts';

/** What a request needs to know of its surroundings. */
export interface GrpcInferContext {
  readonly sharedMemory: SharedMemoryLookup;
}

/** An inference request of the gRPC protocol. */
export interface GrpcInferRequest extends InferRequestMessage {
  /** On a stream: a decoupled model's end is told even where there is nothing more to say. */
  readonly emptyFinalResponse: boolean;
}

/**
 * Applies the rules of the gRPC protocol to a request: where its data are, what its parameters mean.
 *
 * @throws TritonError with the texts and in the order of Triton's gRPC front end.
 */
export function inferRequestOf(
  wire: WireInferRequest,
  context: GrpcInferContext,
): GrpcInferRequest {
  const { parameters, emptyFinalResponse } = requestParameters(wire.parameters);
  try {
    return {
      id: wire.id,
      parameters,
      inputs: inputTensors(wire, context),
      rawInput: null,
      outputs: requestedOutputs(wire.outputs, context),
      emptyFinalResponse,
    };
  } catch (failure) {
    // Triton adds all inputs and outputs to its request before it looks at their data.
    throw duplicateRefusal(wire) ?? failure;
  }
}

function inputTensors(wire: WireInferRequest, context: GrpcInferContext): readonly Tensor[] {
  const tensors: Tensor[] = [];
  let rawIndex = 0;
  for (const input of wire.inputs) {
    const { name, datatype, shape, contents } = input;
    const range = sharedMemoryRange(input.parameters, name);
    let data: Uint8Array;
    if (range !== null) {
      data = sharedMemoryData(wire, input, range, context);
    } else if (contents !== null) {
      if (wire.rawContents.length > 0) throw bothContents(wire, name);
      data = contents.tensorData(requestDataType(datatype), name, wire.modelName);
    } else {
      const raw = wire.rawContents[rawIndex++];
      if (raw === undefined) throw noData(wire, name);
      data = raw;
    }
    tensors.push({ name, dataType: requestDataType(datatype), shape, data });
  }
  return tensors;
}

function sharedMemoryData(
  wire: WireInferRequest,
  input: WireInput,
  range: SharedMemoryRange,
  context: GrpcInferContext,
): Uint8Array {
  if (input.contents !== null) {
    throw new TritonError(
      'INVALID_ARG',
      `unexpected 'content' provided when using shared memory for input tensor '${input.name}' for model '${wire.modelName}'`,
    );
  }
  return context.sharedMemory(range, 'input', input.datatype);
}

function bothContents(wire: WireInferRequest, name: string): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `contents field must not be specified when using raw_input_contents for '${name}' for model '${wire.modelName}'`,
  );
}

function noData(wire: WireInferRequest, name: string): TritonError {
  return new TritonError(
    'INVALID_ARG',
    `unable to find data for input tensor '${name}' for model '${wire.modelName}' in request.`,
  );
}

function requestedOutputs(
  outputs: readonly WireOutput[],
  context: GrpcInferContext,
): readonly RequestedOutput[] {
  const requested: RequestedOutput[] = [];
  for (const { name, parameters } of outputs) {
    const sharedMemory = sharedMemoryRange(parameters, name);
    const classes = classificationCount(parameters);
    if (sharedMemory !== null) {
      if (classes !== 0) {
        throw new TritonError(
          'INVALID_ARG',
          "output can't set both 'shared_memory_region' and 'classification'",
        );
      }
      context.sharedMemory(sharedMemory, 'output');
    }
    requested.push({ name, binary: true, classificationCount: classes, sharedMemory });
  }
  return requested;
}

function duplicateRefusal({ id, inputs, outputs }: WireInferRequest): TritonError | null {
  const input = firstDuplicate(inputs);
  const output = input === null ? firstDuplicate(outputs) : null;
  if (input === null && output === null) return null;
  const text = input === null ? `output '${output}'` : `input '${input}'`;
  return new TritonError('INVALID_ARG', `${requestIdPrefix(id)}${text} already exists in request`);
}

function firstDuplicate(tensors: readonly { readonly name: string }[]): string | null {
  const names = new Set<string>();
  for (const { name } of tensors) {
    if (names.has(name)) return name;
    names.add(name);
  }
  return null;
}
