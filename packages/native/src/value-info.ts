import { type DataType, elementTypeOf } from './data-type.ts';
import type { NativeFunction } from './koffi-library.ts';
import { NativeBlock, readCString } from './memory.ts';
import { readDimensions } from './onnx-tensor.ts';
import { callForInt, callForWord, check, type OrtApi } from './ort-api.ts';

/** What ONNX allows as an input or output of a model; only tensors can be run here. */
export type OnnxValueKind =
  | 'unknown'
  | 'tensor'
  | 'sequence'
  | 'map'
  | 'opaque'
  | 'sparse'
  | 'optional';

/** One input, output or overridable initializer of a model, as the model declares it. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly kind: OnnxValueKind;
  /** Null where Triton has no such type (complex, float8, int4, …) and for what is no tensor. */
  readonly dataType: DataType | null;
  /** ONNX's name of the type, such as `tensor(float)`; the kind alone for what is no tensor. */
  readonly onnxType: string;
  /** -1 for a dimension that is not fixed; empty for a scalar and for an unknown rank. */
  readonly shape: readonly number[];
  /** The name of each dimension that has one, such as `batch`; as long as `shape`. */
  readonly symbolicDimensions: readonly (string | null)[];
}

/** `ONNXType`; the position is the value. */
const KINDS: readonly OnnxValueKind[] = [
  'unknown',
  'tensor',
  'sequence',
  'map',
  'opaque',
  'sparse',
  'optional',
];

function readSymbolicDimensions(api: OrtApi, info: number, rank: number): (string | null)[] {
  if (rank === 0) return [];
  const block = new NativeBlock(rank * 8);
  check(api, api.functions.GetSymbolicDimensions(info, block.address, rank));
  return Array.from({ length: rank }, (_, index) => readCString(block.read(index)) || null);
}

/** Describes a value; `typeInfo` (an `OrtTypeInfo *`) stays the caller's. */
function describe(api: OrtApi, name: string, typeInfo: number): OnnxValueInfo {
  const { functions } = api;
  const kindCode = callForInt(api, functions.GetOnnxTypeFromTypeInfo, typeInfo);
  const kind = KINDS[kindCode] ?? 'unknown';
  // Owned by the type info: not to be released.
  const info =
    kind === 'tensor' ? callForWord(api, functions.CastTypeInfoToTensorInfo, typeInfo) : 0;
  if (info === 0) {
    return { name, kind, dataType: null, onnxType: kind, shape: [], symbolicDimensions: [] };
  }
  const { dataType, onnxName } = elementTypeOf(
    callForInt(api, functions.GetTensorElementType, info),
  );
  const shape = readDimensions(api, info);
  const symbolicDimensions = readSymbolicDimensions(api, info, shape.length);
  return { name, kind, dataType, onnxType: `tensor(${onnxName})`, shape, symbolicDimensions };
}

/** Reads a string that the C side allocated for us, and frees it. */
export function takeString(
  api: OrtApi,
  allocator: number,
  fn: NativeFunction,
  ...args: readonly number[]
): string {
  const address = callForWord(api, fn, ...args);
  if (address === 0) return '';
  const text = readCString(address);
  check(api, api.functions.AllocatorFree(allocator, address));
  return text;
}

/** The inputs, outputs or overridable initializers of an `OrtSession *`, in the model's order. */
export function readValueInfos(
  api: OrtApi,
  allocator: number,
  session: number,
  which: 'Input' | 'Output' | 'OverridableInitializer',
): readonly OnnxValueInfo[] {
  const { functions } = api;
  const count = callForWord(api, functions[`SessionGet${which}Count`], session);
  const infos: OnnxValueInfo[] = [];
  for (let index = 0; index < count; index += 1) {
    const getName = functions[`SessionGet${which}Name`];
    const name = takeString(api, allocator, getName, session, index, allocator);
    const typeInfo = callForWord(api, functions[`SessionGet${which}TypeInfo`], session, index);
    try {
      infos.push(describe(api, name, typeInfo));
    } finally {
      functions.ReleaseTypeInfo(typeInfo);
    }
  }
  return infos;
}
