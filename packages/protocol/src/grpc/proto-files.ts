import { grpcServiceProto } from './grpc-service-proto.ts';
import { healthProto } from './health-proto.ts';
import { modelConfigProto } from './model-config-proto.ts';
import { reflectionProto } from './reflection-proto.ts';

/** Makes the text of each .proto file, by the name that others import it under. */
const files: ReadonlyMap<string, () => string> = new Map([
  ['grpc_service.proto', () => grpcServiceProto],
  ['model_config.proto', modelConfigProto],
  ['grpc/health/v1/health.proto', () => healthProto],
  ['grpc/reflection/v1/reflection.proto', () => reflectionProto('v1')],
  ['grpc/reflection/v1alpha/reflection.proto', () => reflectionProto('v1alpha')],
]);

/** Names of the .proto files of everything that is served over gRPC. */
export const protoFileNames: readonly string[] = [...files.keys()];

/** The text of a .proto file; null for a name that there is not. */
export function protoFile(name: string): string | null {
  return files.get(name)?.() ?? null;
}
