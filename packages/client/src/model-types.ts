import type { DataType } from '@nereid/protocol/data-types';
import type { SharedMemoryInput } from './infer-request.ts';
import type { Tensor } from './tensor/tensor.ts';

/**
 * What a model takes and gives, as `nereid types` writes it: tensors by name. Inputs that the model can do
 * without are optional.
 */
export interface ModelTypes {
  readonly name: string;
  readonly inputs: object;
  readonly outputs: object;
}

/** Of a model of which nothing is known beforehand. */
export interface AnyModel extends ModelTypes {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** A tensor with the dimensions of a model's metadata, where -1 is any size. */
export type TensorOf<T extends DataType, Dimensions extends readonly number[]> = Tensor<
  T,
  {
    readonly [Index in keyof Dimensions]: Dimensions[Index] extends -1 ? number : Dimensions[Index];
  }
>;

/** The inputs of a request to a model, by name. */
export type InputsOf<Model extends ModelTypes> = {
  readonly [Name in keyof Model['inputs']]: Model['inputs'][Name] | SharedMemoryInput;
};
