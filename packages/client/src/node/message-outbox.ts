import { compressMessage, type Http2Stream } from '@nereid/transport/client';
import { messagePrefix } from '../grpc/message-frames.ts';
import type { Compression } from '../infer-request.ts';
import { type InferenceError, localError } from '../inference-error.ts';

/** zlib's own choice. */
const compressionLevel = -1;

/** Told how messages leave. */
export interface OutboxOwner {
  /** There is room again after a `write` that said there is none. */
  drained(): void;
  /** A message cannot be sent. */
  failed(error: InferenceError): void;
}

/** The messages of one call on their way out: in order, compressed where that is asked. */
export class MessageOutbox {
  readonly #compression: Compression | null;
  readonly #messageBytesMax: number;
  readonly #owner: OutboxOwner;
  #stream: Http2Stream | null = null;
  /** Written before there was a stream. */
  #waiting: (readonly Uint8Array[])[] = [];
  /** Behind a message that is being compressed. */
  #behind: (readonly Uint8Array[])[] = [];
  #compressing = false;
  #finished = false;

  constructor(compression: Compression | null, messageBytesMax: number, owner: OutboxOwner) {
    this.#compression = compression;
    this.#messageBytesMax = messageBytesMax;
    this.#owner = owner;
  }

  /** There is a stream: what waited leaves. What was the only message leaves again on another stream. */
  attach(stream: Http2Stream): void {
    this.#stream = stream;
    const last = this.#waiting.length - 1;
    for (const [index, parts] of this.#waiting.entries()) {
      stream.write(parts, index === last && this.#isComplete ? 'data' : null);
    }
    if (last < 0 && this.#isComplete) stream.write([], 'data');
    else if (!this.#finished) this.#waiting = [];
    if (this.#hasRoom) this.#owner.drained();
  }

  /** @returns Whether there is room for more. */
  write(message: readonly Uint8Array[]): boolean {
    if (this.#compression === null) return this.#send(message, false);
    if (this.#compressing) this.#behind.push(message);
    else this.#compress(message, this.#compression);
    return this.#hasRoom;
  }

  /** Nothing more follows. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    if (this.#isComplete) this.#stream?.write([], 'data');
  }

  /** Sends the only message of a call, which may leave again where the first stream comes to nothing. */
  writeOnly(message: readonly Uint8Array[]): void {
    this.#finished = true;
    this.write(message);
  }

  get #hasRoom(): boolean {
    return !this.#compressing && this.#stream !== null && this.#stream.heldBytes === 0;
  }

  /** Whether all there is to send is on its way. */
  get #isComplete(): boolean {
    return this.#finished && !this.#compressing && this.#behind.length === 0;
  }

  #send(message: readonly Uint8Array[], compressed: boolean): boolean {
    let byteLength = 0;
    for (const part of message) byteLength += part.length;
    if (byteLength > this.#messageBytesMax) {
      const text = `Sent message larger than max (${byteLength} vs. ${this.#messageBytesMax})`;
      this.#owner.failed(localError('RESOURCE_EXHAUSTED', text));
      return true;
    }
    const parts = [messagePrefix(byteLength, compressed), ...message];
    if (this.#finished || this.#stream === null) this.#waiting.push(parts);
    if (this.#stream === null) return false;
    return this.#stream.write(parts, this.#isComplete ? 'data' : null);
  }

  #compress(message: readonly Uint8Array[], how: Compression): void {
    this.#compressing = true;
    compressMessage(message, how, compressionLevel, (compressed) => {
      this.#compressing = false;
      if (compressed === null) {
        this.#owner.failed(
          localError('RESOURCE_EXHAUSTED', 'not enough memory to compress a message'),
        );
        return;
      }
      this.#send([compressed], true);
      const next = this.#behind.shift();
      if (next !== undefined) this.#compress(next, how);
      else if (this.#hasRoom) this.#owner.drained();
    });
  }
}
