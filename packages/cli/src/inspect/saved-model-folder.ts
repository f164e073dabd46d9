import { join } from 'node:path';
import { type DeclaredTensor, type ModelFile, malformed } from './model-file.ts';
import { type ProtobufField, ProtobufFile } from './protobuf-file.ts';

const format = 'SavedModel';

/** By TensorFlow's number of the type. types.proto, DataType. */
const types: Readonly<Record<number, string>> = {
  1: 'TYPE_FP32',
  2: 'TYPE_FP64',
  3: 'TYPE_INT32',
  4: 'TYPE_UINT8',
  5: 'TYPE_INT16',
  6: 'TYPE_INT8',
  7: 'TYPE_STRING',
  9: 'TYPE_INT64',
  10: 'TYPE_BOOL',
  14: 'TYPE_BF16',
  17: 'TYPE_UINT16',
  19: 'TYPE_FP16',
  22: 'TYPE_UINT32',
  23: 'TYPE_UINT64',
};

/** Reads the signature that a SavedModel is served by: `serving_default`, else its only one. @throws CommandError */
export function readSavedModel(folder: string): ModelFile {
  const file = new ProtobufFile(join(folder, 'saved_model.pb'), format);
  try {
    const signatures = signaturesOf(file);
    const names = [...signatures.keys()].filter((name) => !name.startsWith('__'));
    const name = names.includes('serving_default') ? 'serving_default' : names[0];
    const signature = signatures.get(name ?? '');
    if (signature === undefined) throw malformed(file.path, format, 'it has no signature to serve');
    return {
      backend: 'tensorflow',
      platform: 'tensorflow_savedmodel',
      localName: 'model.savedmodel',
      inputs: tensorsOf(file, signature, 1),
      outputs: tensorsOf(file, signature, 2),
      companions: [],
      notes:
        name === 'serving_default' && names.length === 1
          ? []
          : [`Of the signatures ${names.join(', ')} this is ${name}.`],
    };
  } finally {
    file.close();
  }
}

/** SavedModel.meta_graphs 2 → MetaGraphDef.signature_def 5: entries of key 1 and value 2. */
function signaturesOf(file: ProtobufFile): Map<string, ProtobufField> {
  const signatures = new Map<string, ProtobufField>();
  for (const graph of file.fields()) {
    if (graph.number !== 2 || graph.end === 0) continue;
    for (const entry of file.fields(graph.start, graph.end)) {
      if (entry.number !== 5) continue;
      const [key, value] = [file.field(1, entry), file.field(2, entry)];
      if (key !== null && value !== null) signatures.set(file.text(key), value);
    }
  }
  return signatures;
}

/** In the order of their names: a map has none of its own. */
function tensorsOf(file: ProtobufFile, signature: ProtobufField, number: 1 | 2): DeclaredTensor[] {
  const tensors: DeclaredTensor[] = [];
  for (const entry of file.fields(signature.start, signature.end)) {
    if (entry.number !== number) continue;
    const [key, value] = [file.field(1, entry), file.field(2, entry)];
    if (key === null || value === null) continue;
    const shape = file.field(3, value);
    tensors.push({
      name: file.text(key),
      dataType: types[Number(file.field(2, value)?.value ?? 0n)] ?? null,
      shape:
        shape === null || (file.field(3, shape)?.value ?? 0n) !== 0n ? null : sizes(file, shape),
    });
  }
  return tensors.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function sizes(file: ProtobufFile, shape: ProtobufField): number[] {
  const found: number[] = [];
  for (const dimension of file.fields(shape.start, shape.end)) {
    if (dimension.number !== 2) continue;
    const size = Number(BigInt.asIntN(64, file.field(1, dimension)?.value ?? 0n));
    found.push(size < 0 ? -1 : size);
  }
  return found;
}
