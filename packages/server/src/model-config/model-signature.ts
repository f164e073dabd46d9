import { type ConfigDataType, type DataType, dataTypeToConfig } from '@nereid/protocol';

/** One input or output as a model's own file declares it. */
export interface SignatureTensor {
  readonly name: string;
  /** By its name on the inference wire (FP32, BYTES); null for a type that Triton does not have. */
  readonly dataType: DataType | null;
  /** The file format's own name of the type, for messages: `tensor(float)`, `sequence`. */
  readonly typeName: string;
  /** -1 is a size that varies; empty is a scalar. */
  readonly shape: readonly number[];
}

/** What a model's file says of its inputs and outputs, in its order. */
export interface ModelSignature {
  readonly inputs: readonly SignatureTensor[];
  readonly outputs: readonly SignatureTensor[];
  /** Weights that a request may replace: inputs that may be left out. Absent is none. */
  readonly overridableInitializers?: readonly SignatureTensor[];
}

/** The tensor's element type as the configuration names it. */
export function configTypeOf(tensor: SignatureTensor): ConfigDataType {
  return tensor.dataType === null ? 'TYPE_INVALID' : dataTypeToConfig(tensor.dataType);
}
