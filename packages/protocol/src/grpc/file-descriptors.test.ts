import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { modelConfigDescriptor } from '../model-config/protobuf-types.ts';
import { servedDescriptors } from './file-descriptors.ts';
import { servedRoot } from './messages.ts';
import { protoFile, protoFileNames } from './proto-files.ts';

describe('the served .proto files', () => {
  it('are read by protobuf.js, one after the other', () => {
    for (const name of protoFileNames) {
      expect(() => protobuf.parse(protoFile(name) ?? '')).not.toThrow();
    }
    expect(protoFile('none.proto')).toBeNull();
  });

  it('have the model configuration with the numbers of its schema', () => {
    const schema = protobuf.Root.fromJSON({ nested: { inference: modelConfigDescriptor() } });
    schema.resolveAll();
    const { namespace } = servedRoot('model_config.proto');
    const compare = (wanted: protobuf.NamespaceBase, got: protobuf.NamespaceBase): number => {
      let count = 0;
      for (const object of wanted.nestedArray) {
        const twin = got.get(object.name);
        if (object instanceof protobuf.Type) {
          const fields = (type: protobuf.Type) =>
            type.fieldsArray
              .map((field) => [field.name, field.id, field.type, field.repeated, field.map])
              .sort();
          expect([object.name, fields(twin as protobuf.Type)]).toEqual([
            object.name,
            fields(object),
          ]);
          count += 1 + compare(object, twin as protobuf.Type);
        } else if (object instanceof protobuf.Enum) {
          expect((twin as protobuf.Enum).values).toEqual(object.values);
        }
      }
      return count;
    };
    const wanted = schema.lookup('inference') as protobuf.Namespace;
    expect(compare(wanted, namespace)).toBeGreaterThan(30);
  });

  it('are described for reflection', () => {
    const { services, fileByName, fileBySymbol } = servedDescriptors();
    expect(services).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'inference.GRPCInferenceService',
    ]);
    expect([...fileByName.keys()]).toEqual(protoFileNames);
    expect(fileByName.get('grpc_service.proto')?.dependencies).toEqual(['model_config.proto']);
    for (const [symbol, file] of [
      ['inference.GRPCInferenceService.ModelInfer', 'grpc_service.proto'],
      ['inference.ModelInferRequest.InferInputTensor', 'grpc_service.proto'],
      ['inference.ModelConfig', 'model_config.proto'],
      ['inference.TYPE_FP32', 'model_config.proto'],
      ['grpc.health.v1.HealthCheckResponse.SERVING', 'grpc/health/v1/health.proto'],
    ]) {
      expect([symbol, fileBySymbol.get(symbol ?? '')?.name]).toEqual([symbol, file]);
    }
  });
});
