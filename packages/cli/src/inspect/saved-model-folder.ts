import { join } from 'node:path';
import { CommandError } from '../command/exit-status.ts';
import { anyRankNotes, type DeclaredTensor, type ModelFile } from './model-file.ts';
import { type ProtobufField, ProtobufFile } from './protobuf-file.ts';

const format = 'SavedModel';
/** What a server takes when its configuration names none. */
const tagDefault = 'serve';
const signatureDefault = 'serving_default';

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
    const { tag, signatures } = graphToServe(file);
    const names = [...signatures.keys()].filter((name) => !name.startsWith('__'));
    const name = names.includes(signatureDefault) ? signatureDefault : names[0];
    const signature = signatures.get(name ?? '');
    if (signature === undefined) {
      throw new CommandError(
        `${folder} has no signature to serve: save it with tf.saved_model.save(..., signatures=...)`,
      );
    }
    const inputs = tensorsOf(file, signature, 1);
    const outputs = tensorsOf(file, signature, 2);
    return {
      backend: 'tensorflow',
      platform: 'tensorflow_savedmodel',
      localName: 'model.savedmodel',
      inputs,
      outputs,
      companions: [],
      parameters: {
        ...(tag === tagDefault ? {} : { TF_GRAPH_TAG: tag }),
        ...(name === signatureDefault ? {} : { TF_SIGNATURE_DEF: name as string }),
      },
      notes: [
        ...(names.length === 1 ? [] : [`Of the signatures ${names.join(', ')} this is ${name}.`]),
        ...anyRankNotes([...inputs, ...outputs]),
      ],
    };
  } finally {
    file.close();
  }
}

/** SavedModel.meta_graphs 2 → MetaGraphDef.meta_info_def 1 → tags 4: the one to serve, else the first. */
function graphToServe(file: ProtobufFile): {
  tag: string;
  signatures: Map<string, ProtobufField>;
} {
  let first: { tag: string; graph: ProtobufField } | null = null;
  for (const graph of file.fields()) {
    if (graph.number !== 2 || graph.end === 0) continue;
    const info = file.field(1, graph);
    const fields = info === null ? [] : [...file.fields(info.start, info.end)];
    const tags = fields.filter(({ number }) => number === 4).map((tag) => file.text(tag));
    if (tags.includes(tagDefault)) {
      return { tag: tagDefault, signatures: signaturesOf(file, graph) };
    }
    first ??= { tag: tags[0] ?? tagDefault, graph };
  }
  if (first === null) return { tag: tagDefault, signatures: new Map() };
  return { tag: first.tag, signatures: signaturesOf(file, first.graph) };
}

/** MetaGraphDef.signature_def 5: entries of key 1 and value 2. */
function signaturesOf(file: ProtobufFile, graph: ProtobufField): Map<string, ProtobufField> {
  const signatures = new Map<string, ProtobufField>();
  for (const entry of file.fields(graph.start, graph.end)) {
    if (entry.number !== 5) continue;
    const [key, value] = [file.field(1, entry), file.field(2, entry)];
    if (key !== null && value !== null) signatures.set(file.text(key), value);
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
