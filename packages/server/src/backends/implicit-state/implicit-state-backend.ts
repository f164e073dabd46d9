import { type Tensor, TritonError } from '@nereid/protocol';
import type { Backend, BackendLoadContext, BackendModel } from '../../core/backend.ts';
import type { Execution } from '../../core/execution.ts';
import type { SequenceStates } from '../../core/sequence-states.ts';
import { inputNamed, int32Values, isSet } from '../row-model/int32-tensor.ts';
import { type ExecuteRow, RowModel } from '../row-model/row-model.ts';
import { controlNames, require } from '../row-model/row-model-config.ts';

const controls = ['START', 'END', 'READY'];

/** How much a state grows with each request of test case 3. */
const blockBytes = 1024 ** 2;

/**
 * Triton's `implicit_state` test backend. TEST_CASE says what each request does with the state
 * OUTPUT_STATE: 0 asks for one that there is not, 1 writes it and does not say so, 2 and 3 write it over
 * the old one, 3 a mebibyte longer each time.
 */
export class ImplicitStateBackend implements Backend {
  readonly name = 'implicit_state';

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    const names = controlNames(context.config, this.name);
    require(names.length === controls.length &&
      controls.every((name) =>
        names.includes(name),
      ), "'START', 'END, and 'READY' must be configured as the control inputs");
    return new RowModel(context, { instance: () => testCases(context.modelName) });
  }

  async shutdown(): Promise<void> {
    // Holds nothing.
  }
}

function testCases(modelName: string): ExecuteRow {
  /** The memory of the state that the request before this one wrote. */
  let written: Uint8Array | null = null;
  let requestIndex = 0;
  const run = (execution: Execution): readonly Tensor[] => {
    const { request } = execution;
    if (isSet(request, 'START')) {
      requestIndex = 0;
      written = null;
    }
    const testCase = int32Values(inputNamed(request, 'TEST_CASE') as Tensor)[0];
    const input = int32Values(inputNamed(request, 'INPUT') as Tensor)[0] ?? 0;
    const states = statesOf(execution, modelName);
    if (testCase === 0) states.allocate('undefined_state', 'INT32', [], 0);
    const state = inputNamed(request, 'INPUT_STATE') as Tensor;
    if (
      (testCase === 2 || testCase === 3) &&
      written !== null &&
      !sameMemory(written, state.data)
    ) {
      throw new TritonError('UNSUPPORTED', 'Input and output state are using different buffers.');
    }
    let outputs: readonly Tensor[] = [];
    if (testCase === 1) outputs = [sumInto(states, input + (int32Values(state)[0] ?? 0))];
    if (testCase === 2) written = states.allocate('OUTPUT_STATE', 'INT32', [1], 4);
    if (testCase === 3) {
      written = grow(states, requestIndex);
      outputs = [tensorOf('OUTPUT_STATE', 'INT8', Uint8Array.from(written), written.byteLength)];
    }
    requestIndex = isSet(request, 'END') ? 0 : requestIndex + 1;
    return outputs;
  };
  return (execution) => {
    try {
      return run(execution);
    } catch (error) {
      if (error instanceof TritonError) return error;
      throw error;
    }
  };
}

/** @throws TritonError with Triton's text for a model without states. */
function statesOf({ states }: Execution, modelName: string): SequenceStates {
  if (states != null) return states;
  throw new TritonError(
    'INVALID_ARG',
    `unable to add state 'undefined_state'. State configuration is missing for model '${modelName}'.`,
  );
}

/** Writes the sum into the state's memory, which is never said to be its new value. */
function sumInto(states: SequenceStates, sum: number): Tensor {
  const bytes = new Uint8Array(Int32Array.of(sum).buffer);
  states.allocate('OUTPUT_STATE', 'INT32', [1], 4).set(bytes);
  return tensorOf('OUTPUT', 'INT32', bytes, 1);
}

/** A state that is a block longer than the one before, full of the request's number there. */
function grow(states: SequenceStates, requestIndex: number): Uint8Array {
  const byteLength = blockBytes * (requestIndex + 1);
  const memory = states.allocate('OUTPUT_STATE', 'INT8', [byteLength], byteLength);
  memory.fill(requestIndex, byteLength - blockBytes);
  states.commit('OUTPUT_STATE');
  return memory;
}

function tensorOf(
  name: string,
  dataType: Tensor['dataType'],
  data: Uint8Array,
  count: number,
): Tensor {
  return { name, dataType, shape: [count], data };
}

function sameMemory(a: Uint8Array, b: Uint8Array): boolean {
  return a.buffer === b.buffer && a.byteOffset === b.byteOffset;
}
