import type { InferInputs, InferOptions } from '../infer-request.ts';
import type { GrpcStream } from './grpc-channel.ts';
import { inferMessage } from './infer-message.ts';
import { type StreamAnswer, streamAnswer } from './infer-response-message.ts';

/**
 * Many requests and their answers on one call. Answers carry the id of their request; an error in an
 * answer concerns its request alone.
 */
export class InferStream implements AsyncIterable<StreamAnswer> {
  readonly #stream: GrpcStream;

  constructor(stream: GrpcStream) {
    this.#stream = stream;
  }

  /** Sends a request. Resolves when there is room for more. */
  send(model: string, inputs: InferInputs, options: InferOptions = {}): Promise<void> {
    return this.#stream.send(inferMessage(model, inputs, options));
  }

  /** Nothing more is sent: the answers end when all have come. */
  end(): void {
    this.#stream.end();
  }

  /** Gives up what has not been answered. */
  cancel(): void {
    this.#stream.cancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamAnswer, void, undefined> {
    for await (const message of this.#stream.messages) yield streamAnswer(message);
  }
}
