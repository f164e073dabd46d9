import protobuf from 'protobufjs';
import { protoFile } from './proto-files.ts';
import { unreadable } from './wire-reader.ts';

/** Message types by their full names, read from the .proto files when first used. */
const roots = new Map<string, protobuf.Root>();

/** The files that define the messages of a package, by the package's name. */
const filesOfPackage: Readonly<Record<string, readonly string[]>> = {
  inference: ['model_config.proto', 'grpc_service.proto'],
  'grpc.health.v1': ['grpc/health/v1/health.proto'],
  'grpc.reflection.v1': ['grpc/reflection/v1/reflection.proto'],
  'grpc.reflection.v1alpha': ['grpc/reflection/v1alpha/reflection.proto'],
};

function messageType(fullName: string): protobuf.Type {
  const packageName = fullName.slice(0, fullName.lastIndexOf('.'));
  let root = roots.get(packageName);
  if (root === undefined) {
    root = new protobuf.Root();
    for (const file of filesOfPackage[packageName] ?? []) {
      protobuf.parse(protoFile(file) ?? '', root, { keepCase: true });
    }
    root.resolveAll();
    roots.set(packageName, root);
  }
  return root.lookupType(fullName);
}

/**
 * Reads a message of one of the served packages.
 *
 * @param fullName As `inference.ModelReadyRequest`.
 * @returns Its fields under their names in the .proto file, those that are absent with their
 *   defaults; of a choice only the member that was made. int64 as numbers.
 * @throws TritonError INTERNAL where protobuf's wire format is broken.
 */
export function decodeMessage(fullName: string, message: Uint8Array): Record<string, unknown> {
  const type = messageType(fullName);
  try {
    return type.toObject(type.decode(message), {
      arrays: true,
      objects: true,
      defaults: true,
      oneofs: true,
      longs: Number,
    });
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
