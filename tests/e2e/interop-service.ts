import type {
  GrpcCall,
  GrpcHandler,
  GrpcMethod,
  GrpcStream,
  GrpcUnaryResponder,
} from '@nereid/transport';
import protobuf from 'protobufjs';

/** What `grpc.testing.TestService` says on the wire; the fields that its test cases use. */
const source = `
syntax = "proto3";
package grpc.testing;
message BoolValue { bool value = 1; }
message Payload { int32 type = 1; bytes body = 2; }
message EchoStatus { int32 code = 1; string message = 2; }
message SimpleRequest {
  int32 response_size = 2;
  Payload payload = 3;
  EchoStatus response_status = 7;
  bool fill_server_id = 9;
}
message SimpleResponse { Payload payload = 1; string server_id = 4; }
message StreamingInputCallRequest { Payload payload = 1; }
message StreamingInputCallResponse { int32 aggregated_payload_size = 1; }
message ResponseParameters { int32 size = 1; int32 interval_us = 2; }
message StreamingOutputCallRequest {
  repeated ResponseParameters response_parameters = 2;
  Payload payload = 3;
  EchoStatus response_status = 7;
}
message StreamingOutputCallResponse { Payload payload = 1; }
`;

const root = protobuf.parse(source).root;
const message = (name: string): protobuf.Type => root.lookupType(`grpc.testing.${name}`);
const simpleRequest = message('SimpleRequest');
const simpleResponse = message('SimpleResponse');
const inputRequest = message('StreamingInputCallRequest');
const inputResponse = message('StreamingInputCallResponse');
const outputRequest = message('StreamingOutputCallRequest');
const outputResponse = message('StreamingOutputCallResponse');

interface EchoStatus {
  readonly code: number;
  readonly message: string;
}

interface SimpleRequest {
  readonly responseSize: number;
  readonly responseStatus: EchoStatus | null;
  readonly fillServerId: boolean;
}

interface OutputRequest {
  readonly responseParameters: readonly { readonly size: number; readonly intervalUs: number }[];
  readonly responseStatus: EchoStatus | null;
}

const initialName = 'x-grpc-test-echo-initial';
const trailingName = 'x-grpc-test-echo-trailing-bin';

function encode(type: protobuf.Type, value: object): readonly Uint8Array[] {
  return [type.encode(type.create(value)).finish()];
}

function payload(size: number): { readonly body: Uint8Array } {
  return { body: new Uint8Array(size) };
}

/** What the custom-metadata case wants back. */
function trailersOf(call: GrpcCall): [string, Uint8Array][] {
  const entries: [string, Uint8Array][] = [];
  for (const [name, value] of call.metadataEntries()) {
    if (name === trailingName && typeof value !== 'string') entries.push([name, value]);
  }
  return entries;
}

function echoInitial(call: GrpcCall, answer: Pick<GrpcUnaryResponder, 'start'>): void {
  const value = call.metadata(initialName);
  if (value !== null) answer.start([[initialName, value]]);
}

const emptyCall: GrpcMethod = {
  kind: 'unary',
  handle(_call, _message, responder) {
    responder.send([]);
  },
};

const unaryCall: GrpcMethod = {
  kind: 'unary',
  handle(call, bytes, responder) {
    const request = simpleRequest.decode(bytes) as unknown as SimpleRequest;
    echoInitial(call, responder);
    const trailers = trailersOf(call);
    const { responseStatus, responseSize } = request;
    const serverId = request.fillServerId ? 'nereid' : '';
    const response = { payload: payload(responseSize), serverId };
    if (responseStatus) responder.fail(responseStatus.code, responseStatus.message, trailers);
    else responder.send(encode(simpleResponse, response), trailers);
  },
};

const streamingInputCall: GrpcMethod = {
  kind: 'stream',
  open(_call, stream) {
    let aggregatedPayloadSize = 0;
    return {
      onMessage(bytes) {
        const { payload } = inputRequest.decode(bytes) as unknown as {
          payload: { body: Uint8Array };
        };
        aggregatedPayloadSize += payload.body.length;
      },
      onHalfClose() {
        stream.write(encode(inputResponse, { aggregatedPayloadSize }));
        stream.end();
      },
    };
  },
};

/** Sends what a request asks for, one request after the other. */
class OutputStream {
  readonly #call: GrpcCall;
  readonly #stream: GrpcStream;
  #work: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(call: GrpcCall, stream: GrpcStream) {
    this.#call = call;
    this.#stream = stream;
    echoInitial(call, stream);
  }

  onMessage(bytes: Uint8Array): void {
    const request = outputRequest.decode(bytes) as unknown as OutputRequest;
    this.#work = this.#work.then(() => this.#answer(request));
  }

  onHalfClose(): void {
    this.#work = this.#work.then(() => {
      if (!this.#call.cancelled && !this.#failed) this.#stream.end(trailersOf(this.#call));
    });
  }

  async #answer(request: OutputRequest): Promise<void> {
    for (const { size, intervalUs } of request.responseParameters) {
      if (intervalUs > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, intervalUs / 1000);
          this.#call.onCancelled(() => {
            clearTimeout(timer);
            resolve();
          });
        });
      }
      if (this.#call.cancelled) return;
      if (!this.#stream.write(encode(outputResponse, { payload: payload(size) }))) {
        await this.#stream.drained();
      }
    }
    const { responseStatus } = request;
    this.#failed = Boolean(responseStatus);
    if (responseStatus) this.#stream.fail(responseStatus.code, responseStatus.message);
  }
}

const outputCall: GrpcMethod = {
  kind: 'stream',
  open: (call, stream) => new OutputStream(call, stream),
};

const methods = new Map<string, GrpcMethod>([
  ['/grpc.testing.TestService/EmptyCall', emptyCall],
  ['/grpc.testing.TestService/UnaryCall', unaryCall],
  ['/grpc.testing.TestService/StreamingInputCall', streamingInputCall],
  ['/grpc.testing.TestService/StreamingOutputCall', outputCall],
  ['/grpc.testing.TestService/FullDuplexCall', outputCall],
]);

/** The service that gRPC's own interoperability tests talk to (doc/interop-test-descriptions.md). */
export const interopService: GrpcHandler = { find: (path) => methods.get(path) ?? null };
