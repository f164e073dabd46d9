import type { DataType } from '@nereid/protocol/data-types';
import type { ParameterValue } from './infer-request.ts';
import type { AnyModel, ModelTypes } from './model-types.ts';
import type { Tensor } from './tensor/tensor.ts';

export interface InferResultParts {
  readonly modelName: string;
  readonly modelVersion: string;
  readonly id: string;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  readonly outputs: ReadonlyMap<string, Tensor>;
}

/** The answer to an inference. Its tensors are views of the answer's bytes where that is possible. */
export class InferResult<Model extends ModelTypes = AnyModel> {
  readonly modelName: string;
  readonly modelVersion: string;
  /** The id of the request, '' when it had none. */
  readonly id: string;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** Outputs with data, by name, in the order of the answer. Those in shared memory are not among them. */
  readonly outputs: ReadonlyMap<string, Tensor>;

  constructor(parts: InferResultParts) {
    this.modelName = parts.modelName;
    this.modelVersion = parts.modelVersion;
    this.id = parts.id;
    this.parameters = parts.parameters;
    this.outputs = parts.outputs;
  }

  /** For models that answer several times: whether this is the last answer. */
  get isFinal(): boolean {
    return this.parameters['triton_final_response'] !== false;
  }

  /**
   * One output. @param datatype checks the type, and so gives `data` its static type.
   * @throws RangeError when there is no such output; TypeError when it has another type.
   */
  output<Name extends keyof Model['outputs'] & string>(name: Name): Model['outputs'][Name];
  output<T extends DataType>(name: string, datatype: T): Tensor<T>;
  output(name: string, datatype?: DataType): Tensor {
    const found = this.outputs.get(name);
    if (found === undefined) {
      const names = [...this.outputs.keys()].map((known) => `'${known}'`).join(', ');
      throw new RangeError(
        `there is no output '${name}' in the answer of '${this.modelName}', only ${names}`,
      );
    }
    if (datatype !== undefined && found.datatype !== datatype) {
      throw new TypeError(`output '${name}' is ${found.datatype}, not ${datatype}`);
    }
    return found;
  }
}
