import {
  type ResponseForm,
  rawContentsOffset,
  readInferRequest,
  TritonError,
} from '@nereid/protocol';
import type { GrpcCall, GrpcUnaryResponder } from '@nereid/transport';
import { Cancellation } from '../../../core/cancellation.ts';
import type { InferResponse, ResponseSink } from '../../../core/infer-response.ts';
import { parseModelVersion } from '../../../core/model-version.ts';
import type { FrontEndTrace } from '../../../observability/tracing/front-end-trace.ts';
import type { GrpcContext } from '../grpc-context.ts';
import { failCall } from '../grpc-failure.ts';
import type { GrpcRpc } from '../grpc-rpc.ts';
import { InferExchange, refuseWhenExiting } from '../infer-exchange.ts';
import { readTimeNs, tracedRequest } from '../traced-grpc-call.ts';

const form: ResponseForm = { streamError: null, finalResponse: null, inSharedMemory: null };

/** One inference, one response. */
export const modelInferRpc: GrpcRpc = {
  name: 'inference.GRPCInferenceService/ModelInfer',
  category: 'inference',
  request: 'inference.ModelInferRequest',
  method: (context) => ({
    kind: 'unary',
    handle: (call, message, responder) => infer(call, message, responder, context),
    alignedOffset: rawContentsOffset,
  }),
};

function infer(
  call: GrpcCall,
  message: Uint8Array,
  responder: GrpcUnaryResponder,
  context: GrpcContext,
): void {
  const readNs = readTimeNs(context);
  const wire = readInferRequest(message);
  refuseWhenExiting(context);
  const version = parseModelVersion(wire.modelVersion);
  const model = context.dataPlane.model(wire.modelName, version);
  if (model.config.model_transaction_policy?.decoupled === true) {
    throw new TritonError(
      'UNSUPPORTED',
      "ModelInfer RPC doesn't support models with decoupled transaction policy",
    );
  }
  const exchange = InferExchange.begin(wire, model, context, call);
  const cancellation = new Cancellation();
  if (context.compressionLevel > 0) responder.compress(context.compressionLevel);
  const traced = tracedRequest(context, wire.modelName, call, readNs);
  const answer = new UnaryAnswer(exchange, call, responder, context, traced);
  try {
    const pending = exchange.infer(context, cancellation, answer, traced);
    pending?.catch((failure: unknown) => answer.failWith(failure));
  } catch (failure) {
    exchange.release();
    traced?.close();
    throw failure;
  }
  if (!answer.done) call.onCancelled(() => cancellation.cancel());
}

/** Turns the answer of an inference into the answer of its call. */
class UnaryAnswer implements ResponseSink {
  readonly #exchange: InferExchange;
  readonly #call: GrpcCall;
  readonly #responder: GrpcUnaryResponder;
  readonly #context: GrpcContext;
  readonly #traced: FrontEndTrace | null;
  #response: InferResponse | null = null;
  #responseCount = 0;
  /** True when the final answer is known: nothing is left to cancel. */
  done = false;

  constructor(
    exchange: InferExchange,
    call: GrpcCall,
    responder: GrpcUnaryResponder,
    context: GrpcContext,
    traced: FrontEndTrace | null,
  ) {
    this.#exchange = exchange;
    this.#call = call;
    this.#responder = responder;
    this.#context = context;
    this.#traced = traced;
  }

  respond(response: InferResponse | null, final: boolean): void {
    if (response !== null) {
      this.#responseCount++;
      this.#response = response;
    }
    if (!final) return;
    this.done = true;
    if (this.#responseCount !== 1 || this.#response === null) {
      const text = `expected a single response, got ${this.#responseCount}`;
      this.failWith(new TritonError('INTERNAL', text));
      return;
    }
    try {
      this.#send(this.#exchange.encode(this.#response, form));
    } catch (failure) {
      this.failWith(failure);
    }
  }

  fail(error: TritonError): void {
    this.failWith(error);
  }

  failWith(failure: unknown): void {
    this.done = true;
    this.#exchange.release();
    this.#traced?.capture('GRPC_SEND_START');
    failCall(this.#responder, failure, this.#context.logger);
    this.#endTrace();
  }

  #send(parts: Uint8Array[] | Promise<Uint8Array[]>): void {
    if (parts instanceof Promise) {
      parts.then(
        (written) => this.#send(written),
        (failure: unknown) => this.failWith(failure),
      );
      return;
    }
    this.#exchange.release();
    this.#traced?.capture('GRPC_SEND_START');
    // It ran to its end: nothing else refers to its inputs any more.
    this.#call.releaseMessage?.();
    this.#responder.send(parts, undefined, this.#response?.release ?? null);
    this.#endTrace();
  }

  #endTrace(): void {
    if (this.#traced === null) return;
    this.#traced.capture('GRPC_SEND_END');
    this.#traced.close();
  }
}
