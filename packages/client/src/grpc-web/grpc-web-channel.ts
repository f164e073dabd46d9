import type { GrpcCall, GrpcChannel, GrpcStream } from '../grpc/grpc-channel.ts';
import { messagePrefix } from '../grpc/message-frames.ts';
import { joinedPieces } from '../http/fetch-body.ts';
import { RequestLimits } from '../http/request-limits.ts';
import { compressPieces } from '../http/stream-compression.ts';
import { grpcError, InferenceError } from '../inference-error.ts';
import { answerMessages, checkAnswer } from './grpc-web-answer.ts';

const contentType = 'application/grpc-web+proto';

/** Carries calls in requests of `fetch` (gRPC's doc/PROTOCOL-WEB.md). */
export class GrpcWebChannel implements GrpcChannel {
  readonly #origin: string;
  readonly #closed = new AbortController();

  /** @param origin As `https://host:8000`, with a path before the service's if there is one, no slash at its end. */
  constructor(origin: string) {
    this.#origin = origin;
  }

  async unary(call: GrpcCall, message: readonly Uint8Array[]): Promise<Uint8Array> {
    let answer: Uint8Array | null = null;
    for await (const bytes of this.#exchange(call, [message], this.#limits(call))) answer = bytes;
    if (answer === null) throw grpcError(12, 'the call ended without an answer');
    return answer;
  }

  open(call: GrpcCall): GrpcStream {
    const limits = this.#limits(call);
    return new GrpcWebStream(limits, (messages) => this.#exchange(call, messages, limits));
  }

  async close(): Promise<void> {
    this.#closed.abort();
  }

  #limits({ signal = null, timeoutMs }: GrpcCall): RequestLimits {
    return new RequestLimits({ signal, timeoutMs }, this.#closed.signal);
  }

  async *#exchange(
    call: GrpcCall,
    messages: readonly (readonly Uint8Array[])[],
    limits: RequestLimits,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      const response = await fetch(this.#origin + call.path, {
        method: 'POST',
        headers: headersOf(call),
        body: await framed(messages, call.compression),
        signal: limits.signal,
      });
      await checkAnswer(response, this.#origin);
      yield* answerMessages(response, limits, this.#origin);
    } catch (error) {
      throw limits.errorOf(error, this.#origin);
    } finally {
      limits.end();
    }
  }
}

/** Browsers send no body before it is whole: messages wait for the end of the requests. */
class GrpcWebStream implements GrpcStream {
  readonly messages: AsyncIterable<Uint8Array>;
  readonly #limits: RequestLimits;
  readonly #waiting: (readonly Uint8Array[])[] = [];
  #ended = false;
  #start: () => void = () => {};

  constructor(
    limits: RequestLimits,
    exchange: (messages: readonly (readonly Uint8Array[])[]) => AsyncIterable<Uint8Array>,
  ) {
    this.#limits = limits;
    const started = new Promise<void>((resolve) => {
      this.#start = resolve;
    });
    const waiting = this.#waiting;
    this.messages = (async function* () {
      await started;
      yield* exchange(waiting);
    })();
  }

  async send(message: readonly Uint8Array[]): Promise<void> {
    if (this.#ended) throw new InferenceError('CANCELLED', 'the stream has ended', null);
    this.#waiting.push(message);
  }

  end(): void {
    this.#ended = true;
    this.#start();
  }

  cancel(): void {
    this.#limits.abandon(new InferenceError('CANCELLED', 'the stream was given up', null));
    this.#limits.end();
    this.end();
  }
}

function headersOf({ metadata, timeoutMs, compression }: GrpcCall): Record<string, string> {
  const headers: Record<string, string> = {
    ...metadata,
    accept: contentType,
    'content-type': contentType,
    'x-grpc-web': '1',
    'grpc-accept-encoding': 'identity,gzip,deflate',
  };
  if (timeoutMs !== null) headers['grpc-timeout'] = `${Math.max(1, Math.ceil(timeoutMs))}m`;
  if (compression !== null) headers['grpc-encoding'] = compression;
  return headers;
}

/** Each message with its prefix. */
async function framed(
  messages: readonly (readonly Uint8Array[])[],
  compression: GrpcCall['compression'],
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  for (const message of messages) {
    const body = compression === null ? message : [await compressPieces(message, compression)];
    const byteLength = body.reduce((sum, piece) => sum + piece.byteLength, 0);
    pieces.push(messagePrefix(byteLength, compression !== null), ...body);
  }
  return joinedPieces(pieces);
}
