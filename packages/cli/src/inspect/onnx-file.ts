import { dirname, join } from 'node:path';
import { isSafePath } from '../manage/safe-path.ts';
import { anyRankNotes, type DeclaredTensor, type ModelFile, malformed } from './model-file.ts';
import { type ProtobufField, ProtobufFile } from './protobuf-file.ts';

const format = 'ONNX model';
const depthMax = 32;

/** By ONNX's number of the type. onnx.proto, TensorProto.DataType. */
const types: Readonly<Record<number, string>> = {
  1: 'TYPE_FP32',
  2: 'TYPE_UINT8',
  3: 'TYPE_INT8',
  4: 'TYPE_UINT16',
  5: 'TYPE_INT16',
  6: 'TYPE_INT32',
  7: 'TYPE_INT64',
  8: 'TYPE_STRING',
  9: 'TYPE_BOOL',
  10: 'TYPE_FP16',
  11: 'TYPE_FP64',
  12: 'TYPE_UINT32',
  13: 'TYPE_UINT64',
  16: 'TYPE_BF16',
};

/** Reads an ONNX model's inputs, outputs and files of weights. @throws CommandError */
export function readOnnxFile(path: string): ModelFile {
  const file = new ProtobufFile(path, format);
  try {
    const graph = graphOf(file);
    const weights = new Set<string>();
    const inputs: DeclaredTensor[] = [];
    const outputs: DeclaredTensor[] = [];
    const places = new Set<string>();
    for (const field of file.fields(graph.start, graph.end)) {
      if (field.number === 5) weights.add(tensorName(file, field));
      else if (field.number === 11) inputs.push(valueInfo(file, field));
      else if (field.number === 12) outputs.push(valueInfo(file, field));
    }
    collectPlaces(file, graph, places, 0);
    return {
      backend: 'onnxruntime',
      platform: 'onnxruntime_onnx',
      localName: 'model.onnx',
      // Before version 4 of the format weights were listed among the inputs.
      inputs: inputs.filter(({ name }) => !weights.has(name)),
      outputs,
      companions: [...places].map((place) => {
        if (!isSafePath(place)) {
          throw malformed(path, format, `its weights lie in '${place}', outside of its folder`);
        }
        return { from: join(dirname(path), place), to: place };
      }),
      parameters: {},
      notes: anyRankNotes([...inputs, ...outputs]),
    };
  } finally {
    file.close();
  }
}

function graphOf(file: ProtobufFile): ProtobufField {
  const graph = file.field(7, { number: 0, value: 0n, start: 0, end: file.size });
  if (graph === null || graph.end === 0) throw malformed(file.path, format, 'it has no graph');
  return graph;
}

function tensorName(file: ProtobufFile, tensor: ProtobufField): string {
  const name = file.field(8, tensor);
  return name === null ? '' : file.text(name);
}

/** ValueInfoProto: name 1, type 2 → tensor_type 1 → elem_type 1, shape 2 → dim 1 → dim_value 1. */
function valueInfo(file: ProtobufFile, info: ProtobufField): DeclaredTensor {
  const nameField = file.field(1, info);
  const name = nameField === null ? '' : file.text(nameField);
  const type = file.field(2, info);
  const tensor = type === null ? null : file.field(1, type);
  if (tensor === null) {
    throw malformed(file.path, format, `'${name}' is no tensor, and only those can be served`);
  }
  const elementType = Number(file.field(1, tensor)?.value ?? 0n);
  const shape = file.field(2, tensor);
  return {
    name,
    dataType: types[elementType] ?? null,
    shape: shape === null ? null : dimensions(file, shape),
  };
}

function dimensions(file: ProtobufFile, shape: ProtobufField): number[] {
  const sizes: number[] = [];
  for (const dimension of file.fields(shape.start, shape.end)) {
    if (dimension.number !== 1) continue;
    // A name, or nothing, is a size that varies.
    const value = Number(BigInt.asIntN(64, file.field(1, dimension)?.value ?? -1n));
    sizes.push(value < 0 ? -1 : value);
  }
  return sizes;
}

/** Where weights lie that are not in the file: those of the graph, of its nodes, and of graphs in these. */
function collectPlaces(
  file: ProtobufFile,
  graph: ProtobufField,
  places: Set<string>,
  depth: number,
): void {
  if (depth > depthMax) throw malformed(file.path, format, 'its graphs lie too deep in each other');
  for (const field of file.fields(graph.start, graph.end)) {
    if (field.number === 5) collectPlace(file, field, places);
    if (field.number !== 1) continue;
    for (const attribute of file.fields(field.start, field.end)) {
      if (attribute.number !== 5) continue;
      for (const part of file.fields(attribute.start, attribute.end)) {
        if (part.end === 0) continue;
        if (part.number === 5 || part.number === 10) collectPlace(file, part, places);
        if (part.number === 6 || part.number === 11) collectPlaces(file, part, places, depth + 1);
      }
    }
  }
}

/** TensorProto.external_data 13: pairs of key 1 and value 2. */
function collectPlace(file: ProtobufFile, tensor: ProtobufField, places: Set<string>): void {
  for (const entry of file.fields(tensor.start, tensor.end)) {
    if (entry.number !== 13) continue;
    const [key, value] = [file.field(1, entry), file.field(2, entry)];
    if (key !== null && value !== null && file.text(key) === 'location')
      places.add(file.text(value));
  }
}
