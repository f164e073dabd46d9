import {
  type DescribedFile,
  decodeMessage,
  encodeMessage,
  servedDescriptors,
  TritonError,
} from '@nereid/protocol';
import { GrpcStatus, type GrpcStream, type GrpcStreamReader } from '@nereid/transport';
import type { GrpcContext } from '../grpc-context.ts';
import { failCall } from '../grpc-failure.ts';
import type { GrpcRpc } from '../grpc-rpc.ts';

/** `ServerReflectionRequest`: at most one of its questions. */
interface ReflectionRequest {
  readonly host: string;
  readonly file_by_filename?: string;
  readonly file_containing_symbol?: string;
  readonly file_containing_extension?: { readonly containing_type: string };
  readonly all_extension_numbers_of_type?: string;
  readonly list_services?: string;
}

/** gRPC's server reflection, under the names of both of its versions. */
export const reflectionRpcs: readonly GrpcRpc[] = (['v1', 'v1alpha'] as const).map((version) => ({
  name: `grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
  category: 'metadata',
  request: null,
  method: (context) => ({
    kind: 'stream',
    open: (_call, stream) => new Reflection(`grpc.reflection.${version}`, stream, context),
  }),
}));

class Reflection implements GrpcStreamReader {
  readonly #package: string;
  readonly #stream: GrpcStream;
  readonly #context: GrpcContext;
  #ended = false;

  constructor(packageName: string, stream: GrpcStream, context: GrpcContext) {
    this.#package = packageName;
    this.#stream = stream;
    this.#context = context;
  }

  onMessage(message: Uint8Array): void {
    if (this.#ended) return;
    try {
      const request = decodeMessage<ReflectionRequest>(
        `${this.#package}.ServerReflectionRequest`,
        message,
      );
      const response = { valid_host: request.host, original_request: request, ...answer(request) };
      const bytes = encodeMessage(`${this.#package}.ServerReflectionResponse`, response);
      if (!this.#stream.write([bytes])) this.#waitForRoom();
    } catch (failure) {
      this.#ended = true;
      failCall(this.#stream, failure, this.#context.logger);
    }
  }

  onHalfClose(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stream.end();
  }

  #waitForRoom(): void {
    this.#stream.pause();
    void this.#stream.drained().then(() => this.#stream.resume());
  }
}

function answer(request: ReflectionRequest): object {
  const { services, fileByName, fileBySymbol } = servedDescriptors();
  if (request.list_services !== undefined) {
    return { list_services_response: { service: services.map((name) => ({ name })) } };
  }
  if (request.file_by_filename !== undefined) {
    return files(fileByName.get(request.file_by_filename), request.file_by_filename);
  }
  if (request.file_containing_symbol !== undefined) {
    const symbol = request.file_containing_symbol;
    return files(fileBySymbol.get(symbol.replace(/^\./u, '')), symbol);
  }
  if (request.all_extension_numbers_of_type !== undefined) {
    const name = request.all_extension_numbers_of_type;
    if (!fileBySymbol.has(name)) return notFound(name);
    return { all_extension_numbers_response: { base_type_name: name } };
  }
  if (request.file_containing_extension !== undefined) {
    return notFound(request.file_containing_extension.containing_type);
  }
  throw new TritonError('INVALID_ARG', 'the request asks for nothing');
}

/** The file and what it imports, so that the client need not ask for them one by one. */
function files(file: DescribedFile | undefined, asked: string): object {
  if (file === undefined) return notFound(asked);
  const { fileByName } = servedDescriptors();
  const imported = file.dependencies.flatMap((name) => fileByName.get(name) ?? []);
  const all = [file, ...imported].map(({ descriptor }) => descriptor);
  return { file_descriptor_response: { file_descriptor_proto: all } };
}

function notFound(asked: string): object {
  return {
    error_response: { error_code: GrpcStatus.notFound, error_message: `'${asked}' is not found` },
  };
}
