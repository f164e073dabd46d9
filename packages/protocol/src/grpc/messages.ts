import protobuf from 'protobufjs';
import { encodeModelConfig } from '../model-config/binary-form.ts';
import type { ModelConfig } from '../model-config/model-config.ts';
import { protoFile } from './proto-files.ts';
import { unreadable } from './wire-reader.ts';
import { varintSize, WireWriter } from './wire-writer.ts';

/** The files that are read together, because one imports another: those that are imported first. */
const groups: readonly (readonly string[])[] = [
  ['model_config.proto', 'grpc_service.proto'],
  ['grpc/health/v1/health.proto'],
  ['grpc/reflection/v1/reflection.proto'],
  ['grpc/reflection/v1alpha/reflection.proto'],
];

const packageOfGroup = [
  'inference',
  'grpc.health.v1',
  'grpc.reflection.v1',
  'grpc.reflection.v1alpha',
];

/** Where protobuf.js takes the file's name for what it declares from; its types leave it out. */
const parser = protobuf.parse as unknown as { filename: string | null };

interface ParsedGroup {
  readonly root: protobuf.Root;
  readonly imports: ReadonlyMap<string, readonly string[]>;
}

/** By index of the group; read when first used, as that takes milliseconds. */
const parsed: (ParsedGroup | undefined)[] = [];

function parsedGroup(index: number): ParsedGroup {
  const known = parsed[index];
  if (known !== undefined) return known;
  const root = new protobuf.Root();
  const imports = new Map<string, readonly string[]>();
  for (const name of groups[index] ?? []) {
    parser.filename = name;
    const file = protobuf.parse(protoFile(name) ?? '', root, { keepCase: true });
    imports.set(name, file.imports ?? []);
  }
  parser.filename = null;
  root.resolveAll();
  const group = { root, imports };
  parsed[index] = group;
  return group;
}

/** The package that a served .proto file declares, with what else is in it, and the file's imports. */
export function servedRoot(fileName: string): {
  namespace: protobuf.Namespace;
  dependencies: readonly string[];
} {
  const index = groups.findIndex((names) => names.includes(fileName));
  const { root, imports } = parsedGroup(index);
  const namespace = root.lookup(packageOfGroup[index] ?? '', [protobuf.Namespace]);
  return {
    namespace: namespace as protobuf.Namespace,
    dependencies: imports.get(fileName) ?? [],
  };
}

const types = new Map<string, protobuf.Type>();

function messageType(fullName: string): protobuf.Type {
  let type = types.get(fullName);
  if (type === undefined) {
    const packageName = fullName.slice(0, fullName.lastIndexOf('.'));
    type = parsedGroup(packageOfGroup.indexOf(packageName)).root.lookupType(fullName);
    types.set(fullName, type);
  }
  return type;
}

/**
 * Reads a message of one of the served packages.
 *
 * @param fullName As `inference.ModelReadyRequest`.
 * @returns Its fields under their names in the .proto file, those that are absent with their
 *   defaults; of a choice only the member that was made. int64 as numbers.
 * @throws TritonError INTERNAL where protobuf's wire format is broken.
 */
export function decodeMessage<Fields extends object>(
  fullName: string,
  message: Uint8Array,
): Fields {
  const type = messageType(fullName);
  try {
    return type.toObject(type.decode(message), {
      arrays: true,
      objects: true,
      defaults: true,
      longs: Number,
      enums: String,
    }) as Fields;
  } catch {
    throw unreadable();
  }
}

/**
 * Writes a message of one of the served packages.
 *
 * @param fields Under their names in the .proto file; what is left out has its default.
 */
export function encodeMessage(fullName: string, fields: object): Uint8Array {
  const type = messageType(fullName);
  return type.encode(type.fromObject(fields)).finish();
}

/** `ModelConfigResponse`: a configuration in one field. */
export function encodeModelConfigResponse(config: ModelConfig): Uint8Array {
  const bytes = encodeModelConfig(config);
  const writer = new WireWriter(1 + varintSize(bytes.length) + bytes.length);
  writer.byte(0x0a);
  writer.varint(bytes.length);
  writer.copy(bytes);
  return writer.bytes;
}
