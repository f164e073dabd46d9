/**
 * Writes ONNX models for tests: a ModelProto (onnx.proto3, https://github.com/onnx/onnx) encoded by
 * hand, so that a test says in a few lines which model it is about and no model file is checked in.
 */

/** `TensorProto.DataType`. */
export const ONNX_TYPES = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  COMPLEX64: 14,
  COMPLEX128: 15,
  BFLOAT16: 16,
  FLOAT8E4M3FN: 17,
} as const;

/** Name of an ONNX element type. */
export type OnnxTypeName = keyof typeof ONNX_TYPES;

/** An input or output: a number is a fixed dimension, a string a symbolic one, null an unnamed one. */
export interface OnnxValueSpec {
  readonly name: string;
  readonly type: OnnxTypeName;
  /** Null: the rank is not declared at all. */
  readonly shape: readonly (number | string | null)[] | null;
  /** The value is a sequence of such tensors. */
  readonly sequence?: boolean;
}

/** A constant. */
export interface OnnxTensorSpec {
  readonly name: string;
  readonly type: OnnxTypeName;
  readonly shape: readonly number[];
  /** Little-endian elements (`raw_data`); strings for STRING; a file for external data. */
  readonly data:
    | Uint8Array
    | readonly string[]
    | { readonly location: string; readonly offset?: number; readonly length?: number };
}

/** An attribute: bigint → INT, number → FLOAT, string → STRING, and the lists of the first two. */
export type OnnxAttribute =
  | bigint
  | number
  | string
  | readonly bigint[]
  | readonly number[]
  | { readonly tensor: OnnxTensorSpec }
  | { readonly graph: OnnxGraphSpec };

/** One operator; an empty input name leaves an optional input out. */
export interface OnnxNodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A graph. */
export interface OnnxGraphSpec {
  readonly name?: string;
  readonly nodes: readonly OnnxNodeSpec[];
  readonly inputs: readonly OnnxValueSpec[];
  readonly outputs: readonly OnnxValueSpec[];
  readonly initializers?: readonly OnnxTensorSpec[];
  readonly description?: string;
}

/** A model: its graph and what it says of itself. */
export interface OnnxModelSpec extends OnnxGraphSpec {
  /** Default 17. */
  readonly opset?: number;
  /** Default 8. */
  readonly irVersion?: number;
  readonly producer?: string;
  readonly domain?: string;
  readonly modelDescription?: string;
  readonly modelVersion?: bigint;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Opset versions of further operator domains. */
  readonly domains?: Readonly<Record<string, number>>;
}

type Part = Uint8Array;

function varint(value: bigint | number): Part {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}

function int(field: number, value: bigint | number): Part[] {
  return [varint(field << 3), varint(value)];
}

function float(field: number, value: number): Part[] {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return [varint((field << 3) | 5), bytes];
}

function bytes(field: number, value: Uint8Array | string): Part[] {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return [varint((field << 3) | 2), varint(content.byteLength), content];
}

function message(field: number, parts: readonly Part[]): Part[] {
  const byteLength = parts.reduce((total, part) => total + part.byteLength, 0);
  return [varint((field << 3) | 2), varint(byteLength), ...parts];
}

/** StringStringEntryProto. */
function entry(field: number, key: string, value: string): Part[] {
  return message(field, [...bytes(1, key), ...bytes(2, value)]);
}

/** TensorProto. */
function tensor(spec: OnnxTensorSpec): Part[] {
  const { data } = spec;
  const parts = [...spec.shape.flatMap((dim) => int(1, dim)), ...int(2, ONNX_TYPES[spec.type])];
  if (data instanceof Uint8Array) {
    parts.push(...bytes(9, data));
  } else if ('location' in data) {
    parts.push(...entry(13, 'location', data.location));
    if (data.offset !== undefined) parts.push(...entry(13, 'offset', String(data.offset)));
    if (data.length !== undefined) parts.push(...entry(13, 'length', String(data.length)));
    parts.push(...int(14, 1));
  } else {
    parts.push(...data.flatMap((text) => bytes(6, text)));
  }
  return [...parts, ...bytes(8, spec.name)];
}

/** AttributeProto. */
function attribute(name: string, value: OnnxAttribute): Part[] {
  const content = (type: number, parts: readonly Part[]): Part[] => [
    ...bytes(1, name),
    ...parts,
    ...int(20, type),
  ];
  if (typeof value === 'number') return content(1, float(2, value));
  if (typeof value === 'bigint') return content(2, int(3, value));
  if (typeof value === 'string') return content(3, bytes(4, value));
  if ('tensor' in value) return content(4, message(5, tensor(value.tensor)));
  if ('graph' in value) return content(5, message(6, graph(value.graph)));
  if (value.length > 0 && typeof value[0] === 'number') {
    return content(
      6,
      value.flatMap((item) => float(7, Number(item))),
    );
  }
  return content(
    7,
    value.flatMap((item) => int(8, item)),
  );
}

/** NodeProto. */
function node(spec: OnnxNodeSpec): Part[] {
  return [
    ...spec.inputs.flatMap((name) => bytes(1, name)),
    ...spec.outputs.flatMap((name) => bytes(2, name)),
    ...bytes(3, spec.name ?? ''),
    ...bytes(4, spec.op),
    ...Object.entries(spec.attributes ?? {}).flatMap(([name, value]) =>
      message(5, attribute(name, value)),
    ),
    ...bytes(7, spec.domain ?? ''),
  ];
}

/** ValueInfoProto. */
function valueInfo(spec: OnnxValueSpec): Part[] {
  const dimensions = (spec.shape ?? []).flatMap((dimension) => {
    if (dimension === null) return message(1, []);
    return message(1, typeof dimension === 'number' ? int(1, dimension) : bytes(2, dimension));
  });
  const tensorType = [
    ...int(1, ONNX_TYPES[spec.type]),
    ...(spec.shape === null ? [] : message(2, dimensions)),
  ];
  const type = message(1, tensorType);
  const whole = spec.sequence === true ? message(4, message(1, type)) : type;
  return [...bytes(1, spec.name), ...message(2, whole)];
}

/** GraphProto. */
function graph(spec: OnnxGraphSpec): Part[] {
  return [
    ...spec.nodes.flatMap((item) => message(1, node(item))),
    ...bytes(2, spec.name ?? 'graph'),
    ...(spec.initializers ?? []).flatMap((item) => message(5, tensor(item))),
    ...bytes(10, spec.description ?? ''),
    ...spec.inputs.flatMap((item) => message(11, valueInfo(item))),
    ...spec.outputs.flatMap((item) => message(12, valueInfo(item))),
  ];
}

/** Encodes a model: the content of a `model.onnx`. Nothing is validated, so that tests can write nonsense. */
export function onnxModel(spec: OnnxModelSpec): Uint8Array {
  const parts = [
    ...int(1, spec.irVersion ?? 8),
    ...bytes(2, spec.producer ?? 'onnx-writer'),
    ...bytes(4, spec.domain ?? ''),
    ...int(5, spec.modelVersion ?? 0n),
    ...bytes(6, spec.modelDescription ?? ''),
    ...message(7, graph(spec)),
    ...message(8, [...bytes(1, ''), ...int(2, spec.opset ?? 17)]),
    ...Object.entries(spec.domains ?? {}).flatMap(([domain, version]) =>
      message(8, [...bytes(1, domain), ...int(2, version)]),
    ),
    ...Object.entries(spec.metadata ?? {}).flatMap(([key, value]) => entry(14, key, value)),
  ];
  return Buffer.concat(parts);
}

/** A model whose output `OUTPUT` is its input `INPUT`. */
export function identityModel(
  type: OnnxTypeName,
  shape: readonly (number | string | null)[],
): Uint8Array {
  return onnxModel({
    nodes: [{ op: 'Identity', inputs: ['INPUT'], outputs: ['OUTPUT'] }],
    inputs: [{ name: 'INPUT', type, shape }],
    outputs: [{ name: 'OUTPUT', type, shape }],
  });
}

/** `OUTPUT0 = INPUT0 + INPUT1`, `OUTPUT1 = INPUT0 - INPUT1`: the model of Triton's own examples. */
export function addSubModel(
  type: OnnxTypeName,
  shape: readonly (number | string | null)[],
): Uint8Array {
  return onnxModel({
    nodes: [
      { op: 'Add', inputs: ['INPUT0', 'INPUT1'], outputs: ['OUTPUT0'] },
      { op: 'Sub', inputs: ['INPUT0', 'INPUT1'], outputs: ['OUTPUT1'] },
    ],
    inputs: [
      { name: 'INPUT0', type, shape },
      { name: 'INPUT1', type, shape },
    ],
    outputs: [
      { name: 'OUTPUT0', type, shape },
      { name: 'OUTPUT1', type, shape },
    ],
  });
}

/**
 * A model that computes for as long as it is told: `OUTPUT` counts to `COUNT` (INT64, one element) in
 * a loop of one addition a step, on the order of a microsecond each.
 */
export function countingModel(): Uint8Array {
  const scalar = { type: 'INT64', shape: [] } as const;
  const int64 = (value: bigint): Uint8Array => {
    const data = Buffer.alloc(8);
    data.writeBigInt64LE(value);
    return data;
  };
  return onnxModel({
    nodes: [
      {
        op: 'Loop',
        inputs: ['COUNT', '', 'zero'],
        outputs: ['OUTPUT'],
        attributes: {
          body: {
            graph: {
              name: 'body',
              nodes: [
                { op: 'Identity', inputs: ['go'], outputs: ['go_on'] },
                { op: 'Add', inputs: ['sum', 'one'], outputs: ['next'] },
              ],
              inputs: [
                { name: 'step', ...scalar },
                { name: 'go', type: 'BOOL', shape: [] },
                { name: 'sum', ...scalar },
              ],
              outputs: [
                { name: 'go_on', type: 'BOOL', shape: [] },
                { name: 'next', ...scalar },
              ],
            },
          },
        },
      },
    ],
    inputs: [{ name: 'COUNT', type: 'INT64', shape: [] }],
    outputs: [{ name: 'OUTPUT', ...scalar }],
    initializers: [
      { name: 'zero', ...scalar, data: int64(0n) },
      { name: 'one', ...scalar, data: int64(1n) },
    ],
  });
}
