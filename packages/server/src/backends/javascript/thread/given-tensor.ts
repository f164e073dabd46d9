import { type DataType, type InputTensor, type TensorArrays, TritonError } from '@nereid/model';
import type { Tensor } from '@nereid/protocol';
import { bytesElements } from '@nereid/protocol/data-types';
import { elementsOf } from './element-arrays.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A tensor of a request or an answer. Its array is made when it is first asked for. */
export class GivenTensor<T extends DataType = DataType> implements InputTensor<T> {
  readonly name: string;
  readonly dataType: T;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  #data: TensorArrays[T] | null = null;

  constructor({ name, dataType, shape, data }: Tensor) {
    this.name = name;
    this.dataType = dataType as T;
    this.shape = shape;
    this.bytes = data;
  }

  get data(): TensorArrays[T] {
    this.#data ??= this.#elements() as TensorArrays[T];
    return this.#data;
  }

  strings(): string[] {
    const elements: unknown = this.dataType === 'BYTES' ? this.data : null;
    if (elements === null) {
      const text = `tensor '${this.name}' has data type ${this.dataType} and no texts`;
      throw new TritonError('INVALID_ARG', text);
    }
    return (elements as readonly Uint8Array[]).map((element, index) => {
      try {
        return utf8.decode(element);
      } catch {
        const text = `element ${index} of tensor '${this.name}' is not UTF-8`;
        throw new TritonError('INVALID_ARG', text);
      }
    });
  }

  #elements(): unknown {
    const dataType: DataType = this.dataType;
    if (dataType !== 'BYTES') return elementsOf(dataType, this.bytes);
    return bytesElements(this.bytes, (index) => {
      const text = `element ${index} of tensor '${this.name}' is cut off`;
      return new TritonError('INVALID_ARG', text);
    });
  }
}

/** @throws TritonError INVALID_ARG when there is none of that name, or it has another type. */
export function tensorNamed<T extends DataType>(
  tensors: readonly GivenTensor[],
  what: string,
  name: string,
  dataType: T | undefined,
): InputTensor<T> {
  const found = tensors.find((tensor) => tensor.name === name);
  if (found === undefined) {
    const names = tensors.map((tensor) => `'${tensor.name}'`).join(', ');
    throw new TritonError('INVALID_ARG', `there is no ${what} '${name}', only ${names || 'none'}`);
  }
  if (dataType !== undefined && found.dataType !== dataType) {
    const text = `${what} '${name}' has data type ${found.dataType} and not ${dataType}`;
    throw new TritonError('INVALID_ARG', text);
  }
  return found as unknown as InputTensor<T>;
}
