import type { GrpcStream } from '../grpc/grpc-channel.ts';
import { type InferenceError, localError } from '../inference-error.ts';
import type { CallSink, GrpcExchange } from './grpc-exchange.ts';

/** Messages that may wait for their reader before the server has to. */
const waitingMessagesMax = 64;

/** A call whose messages are read one by one. */
export class GrpcMessageStream implements GrpcStream, CallSink {
  readonly messages: AsyncIterable<Uint8Array>;
  readonly #exchange: GrpcExchange | null;
  #waiting: Uint8Array[] = [];
  #over = false;
  #error: InferenceError | null = null;
  #wake: (() => void) | null = null;
  #senders: (() => void)[] = [];

  constructor(start: (sink: CallSink) => GrpcExchange | null) {
    this.#exchange = start(this);
    this.messages = this.#read();
  }

  // ---- the caller

  async send(message: readonly Uint8Array[]): Promise<void> {
    const exchange = this.#exchange;
    if (this.#over || exchange === null) {
      throw this.#error ?? localError('CANCELLED', 'the stream has ended');
    }
    if (exchange.write(message)) return;
    await new Promise<void>((resolve) => this.#senders.push(resolve));
  }

  /** Nothing more is sent. */
  end(): void {
    this.#exchange?.finish();
  }

  cancel(): void {
    this.#exchange?.cancel(localError('CANCELLED', 'the stream was given up'));
  }

  // ---- the call

  message(bytes: Uint8Array): boolean {
    this.#waiting.push(bytes);
    this.#wake?.();
    return this.#waiting.length < waitingMessagesMax;
  }

  drained(): void {
    for (const resolve of this.#senders.splice(0)) resolve();
  }

  ended(error: InferenceError | null): void {
    this.#over = true;
    this.#error = error;
    this.#wake?.();
    this.drained();
  }

  async *#read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const message = this.#waiting.shift();
        if (message !== undefined) {
          if (this.#waiting.length === 0) this.#exchange?.resume();
          yield message;
        } else if (this.#over) {
          if (this.#error !== null) throw this.#error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = null;
        }
      }
    } finally {
      this.cancel();
    }
  }
}
