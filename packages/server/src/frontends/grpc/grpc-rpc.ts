import { decodeMessage, encodeMessage } from '@nereid/protocol';
import type { GrpcMethod } from '@nereid/transport';
import type { ApiCategory } from '../../options/setting-format.ts';
import type { GrpcContext } from './grpc-context.ts';
import { failCall } from './grpc-failure.ts';

/** One method of a service: what it is called and how it answers. */
export interface GrpcRpc {
  /** `package.Service/Method`. */
  readonly name: string;
  /** What it belongs to for `--grpc-restricted-protocol`. */
  readonly category: ApiCategory;
  /** Full name of the message that a unary method takes; null for a stream. */
  readonly request: string | null;
  /** Made once, at start. */
  method(context: GrpcContext): GrpcMethod;
}

/** A unary method in terms of messages. */
export interface UnaryRpc<Request extends object> {
  /** Of the inference service, unless it says `package.Service/Method`. */
  readonly name: string;
  readonly category: ApiCategory;
  /** Full names of the messages; by default the method's name with `Request` and `Response`. */
  readonly request?: string;
  readonly response?: string;
  /** Fields of the response, or the message itself in bytes. What it throws or rejects with is answered for it. */
  answer(
    request: Request,
    context: GrpcContext,
  ): object | Uint8Array | Promise<object | Uint8Array>;
}

/** Makes a method of a description in terms of messages. */
export function unaryRpc<Request extends object>(rpc: UnaryRpc<Request>): GrpcRpc {
  const { name, category } = rpc;
  const requestName = rpc.request ?? `inference.${name}Request`;
  const responseName = rpc.response ?? `inference.${name}Response`;
  const bytesOf = (answer: object | Uint8Array): Uint8Array =>
    answer instanceof Uint8Array ? answer : encodeMessage(responseName, answer);
  return {
    name: name.includes('/') ? name : `inference.GRPCInferenceService/${name}`,
    category,
    request: requestName,
    method: (context) => ({
      kind: 'unary',
      handle(_call, message, responder) {
        const answer = rpc.answer(decodeMessage<Request>(requestName, message), context);
        if (!(answer instanceof Promise)) {
          responder.send([bytesOf(answer)]);
          return;
        }
        answer
          .then((value) => responder.send([bytesOf(value)]))
          .catch((failure: unknown) => failCall(responder, failure, context.logger));
      },
    }),
  };
}
