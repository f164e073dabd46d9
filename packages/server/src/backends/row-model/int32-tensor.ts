import type { Tensor } from '@nereid/protocol';
import type { InferRequest } from '../../core/infer-request.ts';

export function inputNamed({ inputs }: InferRequest, name: string): Tensor | null {
  return inputs.find((input) => input.name === name) ?? null;
}

/** The values of a tensor of INT32. */
export function int32Values({ data }: Tensor): Int32Array {
  // It may lie anywhere in the body of its request.
  return new Int32Array(Uint8Array.from(data).buffer);
}

/** True for a control whose value is not 0, of whichever type. */
export function isSet(request: InferRequest, control: string): boolean {
  return inputNamed(request, control)?.data.some((byte) => byte !== 0) === true;
}

/** An output of the shape of an input, full of one number. */
export function filledLike(name: string, { shape, data }: Tensor, value: number): Tensor {
  const values = new Int32Array(data.byteLength / 4).fill(value);
  return { name, dataType: 'INT32', shape, data: new Uint8Array(values.buffer) };
}
