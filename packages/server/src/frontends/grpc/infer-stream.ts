import { readInferRequest, type WireInferRequest } from '@nereid/protocol';
import type { GrpcCall, GrpcStream, GrpcStreamReader } from '@nereid/transport';
import { AbsentModelError } from '../../core/absent-model-error.ts';
import { Cancellation } from '../../core/cancellation.ts';
import { parseModelVersion } from '../../core/model-version.ts';
import type { ServedModel } from '../../lifecycle/served-model.ts';
import type { GrpcContext } from './grpc-context.ts';
import { failCall } from './grpc-failure.ts';
import { InferExchange, refuseWhenExiting } from './infer-exchange.ts';
import { StreamAnswer } from './stream-answer.ts';
import { readTimeNs, tracedRequest } from './traced-grpc-call.ts';

/** Requests of a stream that are worked on at a time; more wait until one is answered. */
const inflightRequestsMax = 1024;

/**
 * One `ModelStreamInfer` call. Requests run concurrently; answers of ordinary models go out in the
 * order of their requests, those of decoupled models as they come. Errors are messages of the
 * stream, which goes on; with the metadata `triton_grpc_error: true` the first error of an execution
 * ends it with its status instead.
 */
export class InferStream implements GrpcStreamReader {
  readonly #call: GrpcCall;
  readonly #stream: GrpcStream;
  readonly #context: GrpcContext;
  readonly #strict: boolean;
  /** Answers that are not complete. */
  readonly #inflight = new Set<StreamAnswer>();
  /** Those of ordinary models, in the order of their requests. */
  readonly #ordered: StreamAnswer[] = [];
  /** Why reading waits: nothing else, or nobody, may resume it. */
  #waits = 0;
  #full = false;
  /** Requests that wait for their model to be loaded: one, or several that came at once. */
  #loading = 0;
  #readingEnded = false;
  #ended = false;

  constructor(call: GrpcCall, stream: GrpcStream, context: GrpcContext) {
    this.#call = call;
    this.#stream = stream;
    this.#context = context;
    this.#strict = call.metadata('triton_grpc_error') === 'true';
    if (context.compressionLevel > 0) stream.compress(context.compressionLevel);
    call.onCancelled(() => this.#close());
  }

  onMessage(message: Uint8Array): void {
    if (this.#readingEnded || this.#ended) return;
    const readNs = readTimeNs(this.#context);
    let wire: WireInferRequest;
    try {
      wire = readInferRequest(message);
    } catch {
      // The C++ server takes what it cannot read for the end of the stream.
      this.onHalfClose();
      return;
    }
    this.#take(wire, readNs);
  }

  onHalfClose(): void {
    this.#readingEnded = true;
    this.#endWhenDone();
  }

  /** True for an answer that is to go out now, rather than wait for those before it. */
  isTurnOf(answer: StreamAnswer): boolean {
    return answer.decoupled || this.#ordered[0] === answer;
  }

  /** Sends a message, unless the stream is over. */
  write(parts: readonly Uint8Array[]): void {
    if (this.#ended || this.#stream.write(parts)) return;
    this.#wait();
    void this.#stream.drained().then(() => this.#goOn());
  }

  /** The answer has said all it has to say, and it was its turn. */
  complete(answer: StreamAnswer): void {
    this.#inflight.delete(answer);
    if (this.#ordered[0] === answer) {
      this.#ordered.shift();
      this.#ordered[0]?.takeTurn();
    }
    if (this.#full && this.#inflight.size < inflightRequestsMax) {
      this.#full = false;
      this.#goOn();
    }
    this.#endWhenDone();
  }

  /** An execution failed. @returns True where that ends the stream, so that nothing else is to be said. */
  endsWith(failure: unknown): boolean {
    if (!this.#strict) return false;
    if (this.#ended) return true;
    this.#close();
    failCall(this.#stream, failure, this.#context.logger);
    return true;
  }

  /** @param loaded The model was waited for already. */
  #take(wire: WireInferRequest, readNs: number, loaded = false): void {
    let answer: StreamAnswer | null = null;
    try {
      const model = this.#find(wire);
      answer = this.#add(wire, model.config.model_transaction_policy?.decoupled === true);
      const exchange = InferExchange.begin(wire, model, this.#context, this.#call);
      const traced = tracedRequest(this.#context, wire.modelName, this.#call, readNs);
      const pending = answer.start(exchange, this.#context, traced);
      if (pending === null) return;
      // Later requests may belong to the same sequence: they wait as well.
      this.#wait();
      void pending.then(() => this.#goOn());
    } catch (failure) {
      if (failure instanceof AbsentModelError && !loaded) this.#load(wire, readNs, failure);
      else (answer ?? this.#add(wire, false)).refuse(failure);
    }
  }

  /** Later requests may belong to the same sequence: they wait as well. */
  #load(wire: WireInferRequest, readNs: number, absent: AbsentModelError): void {
    this.#wait();
    this.#loading++;
    const cancellation = new Cancellation();
    this.#call.onCancelled(() => cancellation.cancel());
    const goOn = (take: () => void): void => {
      this.#loading--;
      if (!this.#ended) take();
      this.#goOn();
      this.#endWhenDone();
    };
    absent.load(cancellation).then(
      () => goOn(() => this.#take(wire, readNs, true)),
      (failure: unknown) => goOn(() => this.#add(wire, false).refuse(failure)),
    );
  }

  /** @throws TritonError with the look-up texts. */
  #find({ modelName, modelVersion }: WireInferRequest): ServedModel {
    refuseWhenExiting(this.#context);
    return this.#context.dataPlane.model(modelName, parseModelVersion(modelVersion));
  }

  #add(wire: WireInferRequest, decoupled: boolean): StreamAnswer {
    const answer = new StreamAnswer(this, wire, decoupled, this.#context.logger);
    this.#inflight.add(answer);
    if (!decoupled) this.#ordered.push(answer);
    if (this.#inflight.size >= inflightRequestsMax && !this.#full) {
      this.#full = true;
      this.#wait();
    }
    return answer;
  }

  #wait(): void {
    if (this.#waits++ === 0 && !this.#ended) this.#stream.pause();
  }

  #goOn(): void {
    if (--this.#waits === 0 && !this.#ended) this.#stream.resume();
  }

  #endWhenDone(): void {
    if (!this.#readingEnded || this.#inflight.size + this.#loading > 0 || this.#ended) return;
    this.#ended = true;
    this.#stream.end();
  }

  #close(): void {
    this.#ended = true;
    for (const answer of this.#inflight) answer.cancel();
  }
}
