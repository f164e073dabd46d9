import { createFileRegistry, fromBinary, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import {
  credentials,
  Client as GrpcJsClient,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { type DescribedFile, protoFile, servedDescriptors } from '@nereid/protocol';
import protobuf from 'protobufjs';

/** A ModelInferRequest in protobuf's JSON form, which every library reads. */
export type InferRequestJson = Readonly<Record<string, unknown>>;

/** What is looked at of an answer, whichever library read it. */
export interface NodeAnswer {
  readonly modelName: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
  }[];
  readonly rawOutputContents: readonly Uint8Array[];
}

/** One client library; failures reject with `CODE text`. */
export interface NodeClient {
  infer(request: InferRequestJson, timeoutMs?: number): Promise<NodeAnswer>;
  /** Sends all requests on one stream and gathers what comes back until its end. */
  stream(requests: readonly InferRequestJson[]): Promise<NodeAnswer[]>;
  close(): void;
}

/** Those that are imported first. */
const protoFiles = ['model_config.proto', 'grpc_service.proto'];
const service = '/inference.GRPCInferenceService/';

interface LooseAnswer {
  readonly modelName: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly unknown[];
  }[];
  readonly rawOutputContents: readonly Uint8Array[];
}

/** 64-bit integers are different things in different libraries. */
function plain({ modelName, outputs, rawOutputContents }: LooseAnswer): NodeAnswer {
  return {
    modelName,
    outputs: outputs.map(({ name, datatype, shape }) => ({
      name,
      datatype,
      shape: shape.map(Number),
    })),
    rawOutputContents,
  };
}

function failed(code: number, text: string): Error {
  return new Error(`${code} ${text}`);
}

/** gRPC's own implementation for Node, with messages by protobuf.js. */
export function grpcJsClient(port: number): NodeClient {
  const root = new protobuf.Root();
  for (const name of protoFiles) {
    protobuf.parse(protoFile(name) ?? '', root);
  }
  const requests = root.lookupType('inference.ModelInferRequest');
  const answers = root.lookupType('inference.ModelInferResponse');
  const streamed = root.lookupType('inference.ModelStreamInferResponse');
  const encode = (request: InferRequestJson): Buffer =>
    Buffer.from(requests.encode(requests.fromObject(request)).finish());
  const client = new GrpcJsClient(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    infer: (request, timeoutMs) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          `${service}ModelInfer`,
          encode,
          (bytes) => answers.decode(bytes) as unknown as LooseAnswer,
          request,
          timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
          (error: ServiceError | null, answer) => {
            if (error !== null) reject(failed(error.code, error.details));
            else resolve(plain(answer as LooseAnswer));
          },
        );
      }),
    stream: (all) =>
      new Promise((resolve, reject) => {
        const call = client.makeBidiStreamRequest(`${service}ModelStreamInfer`, encode, (bytes) =>
          streamed.decode(bytes),
        );
        const found: NodeAnswer[] = [];
        call.on('data', ({ inferResponse }: { inferResponse: LooseAnswer }) =>
          found.push(plain(inferResponse)),
        );
        call.on('error', ({ code, details }: ServiceError) => reject(failed(code, details)));
        call.on('status', ({ code }: StatusObject) => {
          if (code === 0) resolve(found);
        });
        for (const request of all) call.write(request);
        call.end();
      }),
    close: () => client.close(),
  };
}

/** connect-es with protobuf-es, over gRPC or, on HTTP/1.1, gRPC-Web (which has no streams of requests). */
export function connectClient(port: number, protocol: 'grpc' | 'grpc-web'): NodeClient {
  const set = fromBinary(FileDescriptorSetSchema, new Uint8Array());
  const { fileByName } = servedDescriptors();
  for (const name of protoFiles) {
    const { descriptor } = fileByName.get(name) as DescribedFile;
    set.file.push(fromBinary(FileDescriptorProtoSchema, descriptor));
  }
  const registry = createFileRegistry(set);
  const descriptor = registry.getService('inference.GRPCInferenceService');
  const requests = registry.getMessage('inference.ModelInferRequest');
  if (descriptor === undefined || requests === undefined) throw new Error('not described');
  const baseUrl = `http://127.0.0.1:${port}`;
  const abort = new AbortController();
  const transport =
    protocol === 'grpc'
      ? createGrpcTransport({ baseUrl })
      : createGrpcWebTransport({ baseUrl, httpVersion: '1.1' });
  const client = createClient(descriptor, transport) as unknown as Record<
    string,
    (request: unknown, options?: object) => unknown
  >;
  const encode = (request: InferRequestJson): unknown => fromJson(requests, request as JsonValue);
  const rethrow = (failure: unknown): never => {
    const { code, rawMessage } = ConnectError.from(failure);
    throw failed(code, rawMessage);
  };
  return {
    async infer(request, timeoutMs) {
      const options = { signal: abort.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
      const answer = await Promise.resolve(client['modelInfer']?.(encode(request), options)).catch(
        rethrow,
      );
      return plain(answer as LooseAnswer);
    },
    async stream(all) {
      async function* messages(): AsyncGenerator<unknown> {
        for (const request of all) yield encode(request);
      }
      const answers = client['modelStreamInfer']?.(messages()) as AsyncIterable<{
        inferResponse: LooseAnswer;
      }>;
      const found: NodeAnswer[] = [];
      for await (const { inferResponse } of answers) found.push(plain(inferResponse));
      return found;
    },
    close: () => abort.abort(),
  };
}
