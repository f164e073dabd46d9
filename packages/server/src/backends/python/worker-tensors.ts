import { isDataType, type ParameterValue, type Tensor } from '@nereid/protocol';
import { paddedBytes } from './worker-frame.ts';
import type { TensorDescription, WireParameter } from './worker-message.ts';

/** Tensors as a message describes them. */
export function describeTensors(tensors: readonly Tensor[]): readonly TensorDescription[] {
  return tensors.map(({ name, dataType, shape, data }) => [name, dataType, shape, data.byteLength]);
}

/** Takes the tensors of a payload, one description after the other, as views. */
export class TensorReader {
  readonly #payload: Uint8Array;
  #offset = 0;

  constructor(payload: Uint8Array) {
    this.#payload = payload;
  }

  /** @throws Error when the payload does not hold what is described. */
  take(descriptions: readonly TensorDescription[]): Tensor[] {
    return descriptions.map(([name, dataType, shape, byteCount]) => {
      const start = this.#offset;
      this.#offset = start + paddedBytes(byteCount);
      if (!isDataType(dataType) || this.#offset > this.#payload.byteLength) {
        throw new Error(`tensor '${name}' of the worker is not in its payload`);
      }
      return { name, dataType, shape, data: this.#payload.subarray(start, start + byteCount) };
    });
  }
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
