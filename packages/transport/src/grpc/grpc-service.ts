import { encodeHeaderBlock } from '../hpack/hpack-encoder.ts';
import type { Http2Head } from '../http2/http2-head.ts';
import type { Http2Stream, StreamReader } from '../http2/http2-stream.ts';
import type { CallStream } from './call-stream.ts';
import { GrpcAnswer } from './grpc-answer.ts';
import type { GrpcHandler } from './grpc-handler.ts';
import { type GrpcHead, readGrpcHead } from './grpc-head.ts';
import type { GrpcContext } from './grpc-server-call.ts';
import { GrpcStatus } from './grpc-status.ts';
import { GrpcStreamCall } from './grpc-stream-call.ts';
import { GrpcUnaryCall } from './grpc-unary-call.ts';

const methodNotAllowed = encodeHeaderBlock([
  [':status', '405'],
  ['allow', 'POST'],
]);

/** Reads what is of no use. */
const deafReader: StreamReader = {
  retainedBytes: 0,
  data() {},
  end() {},
  gone() {},
  drained() {},
  sweep() {},
};

/** Answers gRPC requests with the methods of a handler. */
export class GrpcService {
  readonly #handler: GrpcHandler;
  readonly #context: GrpcContext;

  constructor(handler: GrpcHandler, context: GrpcContext) {
    this.#handler = handler;
    this.#context = context;
  }

  open(stream: Http2Stream, http2Head: Http2Head): StreamReader {
    if (http2Head.method !== 'POST') {
      this.#context.observer.http(405);
      stream.header(methodNotAllowed, true);
      return deafReader;
    }
    return this.call(stream, readGrpcHead(http2Head));
  }

  /** Begins a call on whatever stream carries it. */
  call(stream: CallStream, head: GrpcHead): StreamReader {
    const method = this.#handler.find(head.path);
    if (method === null) {
      return this.#unimplemented(stream, `Method not found: ${head.path}`);
    }
    if (head.unknownEncoding !== null) {
      return this.#unimplemented(stream, `unknown grpc-encoding: ${head.unknownEncoding}`);
    }
    return method.kind === 'unary'
      ? new GrpcUnaryCall(this.#context, stream, head, method)
      : new GrpcStreamCall(this.#context, stream, head, method);
  }

  #unimplemented(stream: CallStream, text: string): StreamReader {
    new GrpcAnswer(stream, null, 0, this.#context.observer).fail(
      GrpcStatus.unimplemented,
      text,
      [],
    );
    return deafReader;
  }
}
