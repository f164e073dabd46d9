import {
  type EncodedInferResponse,
  encodeInferResponse,
  type InferRequestMessage,
  type OutputForm,
  type Tensor,
  TritonError,
} from '@nereid/protocol';
import type { HeaderField, ResponseBody } from '@nereid/transport';
import type { InferResponse, ResponseSink } from '../../core/infer-response.ts';
import { answerOutputs, requestedOutput } from '../../data-plane/answer-outputs.ts';
import { writeSharedOutputs } from '../../data-plane/shared-outputs.ts';
import type { ServedModel } from '../../lifecycle/served-model.ts';
import type { SharedMemoryUse } from '../../memory/shared-memory-use.ts';
import type { HttpCall } from './http-route.ts';
import { sendFailure } from './replies.ts';
import { compressBody } from './response-compression.ts';
import type { ResponseEncoding } from './response-encoding.ts';

const jsonHeaders: readonly HeaderField[] = [['Content-Type', 'application/json']];

/** Turns the answer of an inference into the answer of its HTTP request. */
export class InferReply implements ResponseSink {
  readonly #call: HttpCall;
  readonly #model: ServedModel;
  readonly #message: InferRequestMessage;
  readonly #memory: SharedMemoryUse;
  readonly #encoding: ResponseEncoding;
  #response: InferResponse | null = null;
  #responseCount = 0;
  #done = false;

  /** @param memory Of the request: released with the answer. */
  constructor(
    call: HttpCall,
    model: ServedModel,
    message: InferRequestMessage,
    memory: SharedMemoryUse,
    encoding: ResponseEncoding,
  ) {
    this.#call = call;
    this.#model = model;
    this.#message = message;
    this.#memory = memory;
    this.#encoding = encoding;
  }

  /** True when the final answer is known: nothing is left to cancel. */
  get done(): boolean {
    return this.#done;
  }

  respond(response: InferResponse | null, final: boolean): void {
    if (response !== null) {
      this.#responseCount++;
      this.#response = response;
    }
    if (!final) return;
    this.#done = true;
    if (this.#responseCount !== 1 || this.#response === null) {
      const text = `expected a single response, got ${this.#responseCount}`;
      this.#sendFailure(new TritonError('INTERNAL', text));
      return;
    }
    try {
      this.#send(this.#response);
    } catch (failure) {
      this.#sendFailure(failure);
    }
  }

  fail(error: TritonError): void {
    this.#done = true;
    this.#sendFailure(error);
  }

  #send(response: InferResponse): void {
    this.#memory.requireIntact();
    const outputs = answerOutputs(response, this.#message, this.#model);
    const written = writeSharedOutputs(outputs, this.#message, this.#memory);
    if (written === null) {
      this.#encode(response, this.#ownOutputs(outputs));
      return;
    }
    written
      .then(() => this.#encode(response, this.#ownOutputs(outputs)))
      .catch((failure: unknown) => this.#sendFailure(failure));
  }

  #encode(response: InferResponse, outputs: readonly Tensor[]): void {
    this.#memory.release();
    const { binaryDataOutput } = this.#message.parameters;
    const encoded = encodeInferResponse(response, outputs, (index): OutputForm => {
      const output = requestedOutput(this.#message, (outputs[index] as Tensor).name);
      if (output === null) return binaryDataOutput ? 'binary' : 'json';
      if (output.sharedMemory !== null) return 'shared-memory';
      return output.binary ? 'binary' : 'json';
    });
    const headers = responseHeaders(encoded);
    const release = response.release ?? null;
    if (this.#encoding === 'identity') this.#sendLast(headers, encoded.parts, release);
    else this.#sendCompressed(headers, encoded.parts, this.#encoding);
  }

  /** What goes out is the server's own memory: the client may change its memory while it is sent. */
  #ownOutputs(outputs: readonly Tensor[]): readonly Tensor[] {
    return this.#memory.own(
      outputs,
      ({ name }) => (requestedOutput(this.#message, name)?.sharedMemory ?? null) !== null,
    );
  }

  #sendCompressed(
    headers: readonly HeaderField[],
    parts: readonly Uint8Array[],
    encoding: 'deflate' | 'gzip',
  ): void {
    const withEncoding: HeaderField[] = [...headers, ['Content-Encoding', encoding]];
    const compressed = compressBody(parts, encoding);
    if (compressed instanceof Uint8Array) {
      this.#sendLast(withEncoding, compressed);
      return;
    }
    compressed.then(
      (body) => this.#sendLast(withEncoding, body),
      (failure: unknown) => this.#sendFailure(failure),
    );
  }

  /**
   * Sends the answer of a request that ran to its end: nothing else refers to its inputs any more. After
   * a failure that is not known, a run that was given up may still read them.
   */
  #sendLast(
    headers: readonly HeaderField[],
    body: ResponseBody,
    left: (() => void) | null = null,
  ): void {
    const { request, responder } = this.#call;
    request.releaseBody?.();
    responder.send(200, headers, body, left);
  }

  #sendFailure(failure: unknown): void {
    const { responder, context } = this.#call;
    this.#memory.release();
    // Triton declares no type for the errors of an execution.
    sendFailure(responder, failure, 'text/plain', context.logger);
  }
}

function responseHeaders({
  contentType,
  headerLength,
}: EncodedInferResponse): readonly HeaderField[] {
  if (headerLength === null) return jsonHeaders;
  return [
    ['Content-Type', contentType],
    ['Inference-Header-Content-Length', String(headerLength)],
  ];
}
