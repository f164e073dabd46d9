import {
  encodeInferResponseMessage,
  type GrpcInferRequest,
  inferRequestOf,
  type ResponseForm,
  type Tensor,
  TritonError,
  type WireInferRequest,
} from '@nereid/protocol';
import type { GrpcCall } from '@nereid/transport';
import type { Cancellation } from '../../core/cancellation.ts';
import type { InferResponse, ResponseSink } from '../../core/infer-response.ts';
import type { Trace } from '../../core/trace.ts';
import { answerOutputs, requestedOutput } from '../../data-plane/answer-outputs.ts';
import { sharedOutputMemory } from '../../data-plane/shared-outputs.ts';
import type { ServedModel } from '../../lifecycle/served-model.ts';
import type { SharedMemoryUse, SharedOutput } from '../../memory/shared-memory-use.ts';
import type { FrontEndTrace } from '../../observability/tracing/front-end-trace.ts';
import { TracedSink } from '../../observability/tracing/traced-sink.ts';
import type { GrpcContext } from './grpc-context.ts';

/**
 * One request with what it takes from shared memory and puts there. Made by `begin`; its owner calls
 * `release` when it is answered.
 */
export class InferExchange {
  readonly model: ServedModel;
  readonly message: GrpcInferRequest;
  readonly #use: SharedMemoryUse | null;

  private constructor(model: ServedModel, message: GrpcInferRequest, use: SharedMemoryUse | null) {
    this.model = model;
    this.message = message;
    this.#use = use;
  }

  /** @throws TritonError for a request that breaks the rules of the protocol. */
  static begin(
    wire: WireInferRequest,
    model: ServedModel,
    context: GrpcContext,
    call: GrpcCall,
  ): InferExchange {
    let use: SharedMemoryUse | null = null;
    try {
      const message = inferRequestOf(wire, {
        sharedMemory(range, direction, dataType) {
          use ??= context.sharedMemory.use(model.tensorsInPlace);
          return use.lookup(range, direction, dataType);
        },
      });
      return new InferExchange(model, withForwardedMetadata(message, context, call), use);
    } catch (failure) {
      (use as SharedMemoryUse | null)?.release();
      throw failure;
    }
  }

  /**
   * Hands the request to the data plane, once its inputs are there.
   *
   * @returns Null when that has happened. A promise where large inputs have to be read first; it
   *   rejects with what the data plane throws.
   * @throws What the data plane throws.
   */
  infer(
    context: GrpcContext,
    cancellation: Cancellation,
    answer: ResponseSink,
    traced: FrontEndTrace | null,
  ): Promise<void> | null {
    const sink = traced === null ? answer : new TracedSink(answer, traced);
    const trace = traced?.trace ?? null;
    const ready = this.#use?.inputsReady() ?? null;
    if (ready === null) {
      this.#start(context, cancellation, sink, trace);
      return null;
    }
    this.model.retain();
    return ready
      .then(() => this.#start(context, cancellation, sink, trace))
      .finally(() => this.model.release());
  }

  /**
   * A response as the message that goes out, its outputs in shared memory where they are wanted there.
   * @throws TritonError for outputs that cannot be had as they are wanted.
   */
  encode(response: InferResponse, form: ResponseForm): Uint8Array[] | Promise<Uint8Array[]> {
    const outputs = answerOutputs(response, this.message, this.model);
    if (this.#use === null) return encodeInferResponseMessage(response, outputs, form);
    const use = this.#use;
    const shared = this.#sharedOutputs(outputs);
    const written = use.write(shared.filter((output) => output !== null));
    const encode = (): Uint8Array[] => {
      // What goes out is the server's own memory: the client may change its memory while it is sent.
      const sent = use.own(outputs, (output) => shared[outputs.indexOf(output)] !== null);
      return encodeInferResponseMessage(response, sent, {
        ...form,
        inSharedMemory: (index) => shared[index] !== null,
      });
    };
    return written === null ? encode() : written.then(encode);
  }

  /** Lets go of the regions of shared memory. */
  release(): void {
    this.#use?.release();
  }

  #start(
    context: GrpcContext,
    cancellation: Cancellation,
    sink: ResponseSink,
    trace: Trace | null,
  ): void {
    const outputMemory = this.#use === null ? null : sharedOutputMemory(this.message, this.#use);
    context.dataPlane.infer(this.model, this.message, cancellation, sink, trace, outputMemory);
  }

  #sharedOutputs(outputs: readonly Tensor[]): (SharedOutput | null)[] {
    return outputs.map(({ name, data }) => {
      const range = requestedOutput(this.message, name)?.sharedMemory ?? null;
      return range === null ? null : { name, range, data };
    });
  }
}

/** @throws TritonError INVALID_ARG for metadata with a reserved name. */
function withForwardedMetadata(
  message: GrpcInferRequest,
  { headerForwarding }: GrpcContext,
  call: GrpcCall,
): GrpcInferRequest {
  if (headerForwarding === null) return message;
  const headers = [...call.metadataEntries()].map(
    ([name, value]) =>
      [name, typeof value === 'string' ? value : Buffer.from(value).toString('latin1')] as const,
  );
  return { ...message, parameters: headerForwarding.forward(message.parameters, headers) };
}

/** @throws TritonError UNAVAILABLE once the server has begun to stop. */
export function refuseWhenExiting(context: GrpcContext): void {
  if (!context.isExiting()) return;
  throw new TritonError(
    'UNAVAILABLE',
    'GRPC server is shutting down and has stopped accepting new requests.',
  );
}
