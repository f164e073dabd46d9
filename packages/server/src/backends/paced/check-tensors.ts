import { type ModelConfig, TritonError } from '@nereid/protocol';

/** What a backend wants of an input or output. */
export interface WantedTensor {
  readonly name: string;
  readonly dataType: string;
  /** Null for any. */
  readonly dims: readonly number[] | null;
}

const ordinals = ['first', 'second', 'third'] as const;

/** @throws TritonError INVALID_ARG with the texts of Triton's backends. */
export function checkTensors(
  kind: 'input' | 'output',
  given: ModelConfig['input'] | ModelConfig['output'],
  wanted: readonly WantedTensor[],
): void {
  if (given.length !== wanted.length) {
    const plural = wanted.length === 1 ? '' : 's';
    throw invalid(`expected ${wanted.length} ${kind}${plural}, got ${given.length}`);
  }
  for (const [index, { name, dataType, dims }] of wanted.entries()) {
    const tensor = given[index] as (typeof given)[number];
    if (tensor.name !== name) {
      throw invalid(
        `expected ${ordinals[index]} ${kind} tensor name to be ${name}, got ${tensor.name}`,
      );
    }
    if (dims !== null && tensor.dims.join() !== dims.join()) {
      throw invalid(
        `expected ${name} shape to be [${dims.join(',')}], got [${tensor.dims.join(',')}]`,
      );
    }
    if (tensor.data_type !== dataType) {
      const short = dataType.slice('TYPE_'.length);
      throw invalid(`expected ${name} datatype to be ${short}, got ${tensor.data_type}`);
    }
  }
}

function invalid(text: string): TritonError {
  return new TritonError('INVALID_ARG', text);
}
