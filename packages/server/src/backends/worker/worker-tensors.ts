import type { ParameterValue, Tensor } from '@nereid/protocol';
import type { TensorDescription, WireParameter } from './worker-message.ts';

/** Tensors as a message describes them. */
export function describeTensors(tensors: readonly Tensor[]): readonly TensorDescription[] {
  return tensors.map(({ name, dataType, shape, data }) => [name, dataType, shape, data.byteLength]);
}

/** The tensors that came with a message, which describes them one after the other. */
export interface TensorReader {
  /** @throws Error when the message does not hold what is described. */
  take(descriptions: readonly TensorDescription[]): Tensor[];
  /** The same in memory that stays as it is after the message was handled. */
  kept(): TensorReader;
  /**
   * Gives the memory of all tensors back, when nothing refers to them any more; null or absent where
   * that is of no use. As `InferResponse.release`.
   */
  readonly release?: (() => void) | null;
  /** So many answers have tensors of the message: their memory is given back by the last `release`. */
  sharedBy?(answerCount: number): void;
}

/** A response's parameters. */
export function parametersOf(wire: readonly WireParameter[]): ReadonlyMap<string, ParameterValue> {
  const parameters = new Map<string, ParameterValue>();
  for (const [name, kind, value] of wire) {
    if (kind === 'int') parameters.set(name, { kind, value: BigInt(value) });
    else if (kind === 'bool') parameters.set(name, { kind, value });
    else if (kind === 'double') parameters.set(name, { kind, value });
    else parameters.set(name, { kind, value });
  }
  return parameters;
}

/** The reverse of `parametersOf`. */
export function wireParameters(
  parameters: ReadonlyMap<string, ParameterValue>,
): readonly WireParameter[] {
  return [...parameters].map(([name, parameter]): WireParameter => {
    if (parameter.kind === 'int') return [name, 'int', String(parameter.value)];
    if (parameter.kind === 'bool') return [name, 'bool', parameter.value];
    if (parameter.kind === 'double') return [name, 'double', parameter.value];
    return [name, 'string', parameter.value];
  });
}
