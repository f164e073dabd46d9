import {
  encodeInferResponseMessage,
  type ParameterValue,
  type ResponseForm,
  type TritonError,
  type WireInferRequest,
} from '@nereid/protocol';
import { Cancellation } from '../../core/cancellation.ts';
import type { ErrorAnswer, InferResponse, ResponseSink } from '../../core/infer-response.ts';
import type { Logger } from '../../core/logger.ts';
import { publicFailure } from '../../core/public-failure.ts';
import type { FrontEndTrace } from '../../observability/tracing/front-end-trace.ts';
import type { GrpcContext } from './grpc-context.ts';
import type { InferExchange } from './infer-exchange.ts';
import type { InferStream } from './infer-stream.ts';

const noParameters: ReadonlyMap<string, ParameterValue> = new Map();

/** What becomes of one request of a stream: messages, in the stream's turn, and the end of them. */
export class StreamAnswer implements ResponseSink {
  /** The model answers when it likes and as often. */
  readonly decoupled: boolean;
  readonly #stream: InferStream;
  readonly #wire: WireInferRequest;
  readonly #logger: Logger;
  readonly #cancellation = new Cancellation();
  #exchange: InferExchange | null = null;
  #traced: FrontEndTrace | null = null;
  /** Messages that wait for their turn, or for one before them to be written to shared memory. */
  #held: Uint8Array[][] = [];
  #writing: Promise<void> | null = null;
  #final = false;

  constructor(stream: InferStream, wire: WireInferRequest, decoupled: boolean, logger: Logger) {
    this.#stream = stream;
    this.#wire = wire;
    this.decoupled = decoupled;
    this.#logger = logger;
  }

  /**
   * Hands the request to the data plane. Null when that has happened; where large inputs have to be
   * read first, a promise that never rejects.
   *
   * @throws TritonError for a request that is refused.
   */
  start(
    exchange: InferExchange,
    context: GrpcContext,
    traced: FrontEndTrace | null,
  ): Promise<void> | null {
    this.#exchange = exchange;
    this.#traced = traced;
    const pending = exchange.infer(context, this.#cancellation, this, traced);
    return pending?.catch((failure: unknown) => this.refuse(failure)) ?? null;
  }

  /** The request was not taken up: its message has nothing but its id. */
  refuse(failure: unknown): void {
    const { message } = publicFailure(failure, 'a gRPC request', this.#logger);
    const head = { modelName: '', modelVersion: '', id: this.#wire.id, parameters: noParameters };
    this.#say(encodeInferResponseMessage(head, [], formOf(message, null)));
    this.#end();
  }

  respond(response: InferResponse | null, final: boolean): void {
    if (response !== null) this.#sayResponse(response, final);
    else if (this.decoupled && this.#exchange?.message.emptyFinalResponse === true) {
      this.#sayNames('', final);
    }
    if (final) this.#end();
  }

  fail(error: TritonError, answer?: ErrorAnswer): void {
    const final = answer === undefined || answer.final;
    this.#sayFailure(error, final);
    if (final) this.#end();
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    this.#cancellation.cancel();
  }

  /** Those before it are complete. */
  takeTurn(): void {
    if (this.#writing !== null) return;
    for (const message of this.#held.splice(0)) this.#write(message);
    if (this.#final) this.#complete();
  }

  #sayResponse(response: InferResponse, final: boolean): void {
    try {
      const exchange = this.#exchange as InferExchange;
      const message = exchange.encode(response, formOf('', final));
      if (!(message instanceof Promise) && this.#writing === null) {
        this.#say(message);
        return;
      }
      this.#sayLater(message, final);
    } catch (failure) {
      this.#sayFailure(failure, final);
    }
  }

  /** Keeps the order among the answers of the request while one is being written to shared memory. */
  #sayLater(message: Uint8Array[] | Promise<Uint8Array[]>, final: boolean): void {
    const before = this.#writing ?? Promise.resolve();
    const writing = Promise.all([message, before]).then(
      ([parts]) => this.#held.push(parts),
      (failure: unknown) => this.#sayFailure(failure, final),
    );
    const settled: Promise<void> = writing.then(() => {
      if (this.#writing !== settled) return;
      this.#writing = null;
      if (this.#final) this.#exchange?.release();
      if (this.#stream.isTurnOf(this)) this.takeTurn();
    });
    this.#writing = settled;
  }

  #sayFailure(failure: unknown, final: boolean): void {
    const error = publicFailure(failure, 'a gRPC request', this.#logger);
    if (!this.#stream.endsWith(error)) this.#sayNames(error.message, final);
  }

  /** A message without content: the names of the request, as the client wrote them. */
  #sayNames(error: string, final: boolean): void {
    const { modelName, modelVersion, id } = this.#wire;
    const head = { modelName, modelVersion, id, parameters: noParameters };
    this.#say(encodeInferResponseMessage(head, [], formOf(error, final)));
  }

  #say(message: Uint8Array[]): void {
    if (this.#writing === null && this.#stream.isTurnOf(this)) this.#write(message);
    else this.#held.push(message);
  }

  #end(): void {
    this.#final = true;
    if (this.#writing !== null) return;
    this.#exchange?.release();
    if (this.#stream.isTurnOf(this)) this.#complete();
  }

  #write(message: Uint8Array[]): void {
    this.#traced?.capture('GRPC_SEND_START');
    this.#stream.write(message);
    this.#traced?.capture('GRPC_SEND_END');
  }

  #complete(): void {
    this.#traced?.close();
    this.#stream.complete(this);
  }
}

function formOf(streamError: string, finalResponse: boolean | null): ResponseForm {
  return { streamError, finalResponse, inSharedMemory: null };
}
