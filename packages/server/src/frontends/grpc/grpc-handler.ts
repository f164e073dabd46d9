import { decodeMessage } from '@nereid/protocol';
import { type GrpcCall, type GrpcHandler, type GrpcMethod, GrpcStatus } from '@nereid/transport';
import { AbsentModelError } from '../../core/absent-model-error.ts';
import { Cancellation } from '../../core/cancellation.ts';
import type { GrpcContext } from './grpc-context.ts';
import { failCall } from './grpc-failure.ts';
import type { GrpcRpc } from './grpc-rpc.ts';
import { grpcRpcs } from './grpc-rpcs.ts';

/** Everything that the gRPC port answers. */
export function createGrpcHandler(context: GrpcContext): GrpcHandler {
  const methods = new Map<string, GrpcMethod>();
  for (const rpc of grpcRpcs) methods.set(`/${rpc.name}`, guarded(rpc, context));
  return { find: (path) => methods.get(path) ?? unknownMethod };
}

/** The method, as far as a call may use it; what it throws ends the call. */
function guarded(rpc: GrpcRpc, context: GrpcContext): GrpcMethod {
  const { category } = rpc;
  const { logger, restrictedApis } = context;
  const method = rpc.method(context);
  const restriction = (metadata: (name: string) => string | null): string | null => {
    const header = restrictedApis.missingHeader(category, metadata);
    return header === null ? null : `This protocol is restricted, expecting header '${header}'`;
  };
  if (method.kind === 'stream') {
    return {
      kind: 'stream',
      open(call, stream) {
        const refusal = restriction((name) => call.metadata(name));
        if (refusal === null) return method.open(call, stream);
        stream.fail(GrpcStatus.unavailable, refusal);
        return deaf;
      },
    };
  }
  return {
    ...method,
    handle(call, message, responder) {
      const refusal = restriction((name) => call.metadata(name));
      try {
        if (refusal !== null) {
          // As in the C++ server, which has parsed the message when it looks at the metadata.
          if (rpc.request !== null) decodeMessage(rpc.request, message);
          responder.fail(GrpcStatus.unavailable, refusal);
          return;
        }
        method.handle(call, message, responder);
      } catch (failure) {
        const fail = (final: unknown): void => failCall(responder, final, logger);
        const handle = (): void => method.handle(call, message, responder);
        loadAndHandle(call, failure, handle, fail);
      }
    },
  };
}

/** A model that is loaded on demand is waited for, once; every other failure ends the call. */
function loadAndHandle(
  call: GrpcCall,
  failure: unknown,
  handle: () => void,
  fail: (failure: unknown) => void,
): void {
  if (!(failure instanceof AbsentModelError)) {
    fail(failure);
    return;
  }
  const cancellation = new Cancellation();
  call.onCancelled(() => cancellation.cancel());
  failure.load(cancellation).then(handle).catch(fail);
}

/** The C++ server says nothing of a method that it does not have but that. */
const unknownMethod: GrpcMethod = {
  kind: 'stream',
  open(_call, stream) {
    stream.fail(GrpcStatus.unimplemented, '');
    return deaf;
  },
};

/** Reads a stream that has been answered. */
const deaf = { onMessage(): void {}, onHalfClose(): void {} };
