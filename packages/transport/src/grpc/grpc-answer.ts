import type { EncodedField } from '../hpack/hpack-encoder.ts';
import type { ResponseObserver } from '../response-observer.ts';
import type { AnswerBlock, CallStream } from './call-stream.ts';
import type { GrpcMetadataEntry } from './grpc-handler.ts';
import { encodeGrpcMessage } from './grpc-message-text.ts';
import { metadataFields } from './grpc-metadata.ts';
import { GrpcStatus } from './grpc-status.ts';
import { compressMessage, type MessageEncoding } from './message-coding.ts';

const headerFields: readonly EncodedField[] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];
const acceptField: EncodedField = ['grpc-accept-encoding', 'identity,deflate,gzip'];

/** The answer of one call as frames: header, messages, trailers; in the order they were given. */
export class GrpcAnswer {
  readonly #stream: CallStream;
  readonly #accepted: MessageEncoding | null;
  readonly #messageBytesMax: number;
  readonly #observer: ResponseObserver;
  #metadata: EncodedField[] | null = null;
  #level = 0;
  #headerSent = false;
  #ended = false;
  /** What waits for a message that is being compressed. */
  #later: (() => void)[] | null = null;

  constructor(
    stream: CallStream,
    accepted: MessageEncoding | null,
    messageBytesMax: number,
    observer: ResponseObserver,
  ) {
    this.#stream = stream;
    this.#accepted = accepted;
    this.#messageBytesMax = messageBytesMax;
    this.#observer = observer;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** @throws Error for metadata that may not be sent. */
  addMetadata(metadata: readonly GrpcMetadataEntry[]): void {
    if (this.#headerSent) throw new Error('the header has been sent');
    this.#metadata = [...(this.#metadata ?? []), ...metadataFields(metadata)];
  }

  compress(level: number): void {
    this.#level = this.#accepted === null ? 0 : level;
  }

  /** Sends the header with its metadata, now. */
  sendHeader(): void {
    if (this.#headerSent) return;
    this.#headerSent = true;
    if (this.#metadata === null && this.#level === 0) {
      this.#stream.header('grpc-header', false);
      return;
    }
    const encoding: EncodedField[] =
      this.#level === 0 ? [] : [['grpc-encoding', this.#accepted!], acceptField];
    const fields = [...headerFields, ...encoding, ...(this.#metadata ?? [])];
    this.#stream.header(fields, false);
  }

  /**
   * Sends a message; with `trailers` the call is over and OK.
   *
   * @returns Whether everything has left.
   */
  sendMessage(
    parts: readonly Uint8Array[],
    trailers: readonly GrpcMetadataEntry[] | null,
  ): boolean {
    let byteLength = 0;
    for (const part of parts) byteLength += part.length;
    if (byteLength > this.#messageBytesMax) {
      const text = `Sent message larger than max (${byteLength} vs. ${this.#messageBytesMax})`;
      this.fail(GrpcStatus.resourceExhausted, text, []);
      return true;
    }
    const end = trailers === null ? null : okTrailers(trailers);
    if (end !== null) this.#endWith(GrpcStatus.ok);
    if (this.#level === 0 && this.#later === null) {
      this.sendHeader();
      return this.#stream.write([prefixOf(0, byteLength), ...parts], end);
    }
    return this.#sendInOrder(parts, byteLength, end);
  }

  /** Ends the call with status OK. */
  end(trailers: readonly GrpcMetadataEntry[]): void {
    const end = okTrailers(trailers);
    this.#endWith(GrpcStatus.ok);
    this.#inOrder(() => {
      this.sendHeader();
      this.#stream.write([], end);
    });
  }

  /** Ends the call with another status. */
  fail(status: number, message: string, trailers: readonly GrpcMetadataEntry[]): void {
    const fields: EncodedField[] = [
      ['grpc-status', String(status)],
      ...(message === '' ? [] : ([['grpc-message', encodeGrpcMessage(message)]] as const)),
      ...(status === GrpcStatus.unimplemented ? [acceptField] : []),
      ...metadataFields(trailers),
    ];
    this.#endWith(status);
    this.#inOrder(() => {
      if (this.#headerSent) this.#stream.write([], fields);
      else {
        const block = [...headerFields, ...(this.#metadata ?? []), ...fields];
        this.#stream.header(block, true);
      }
    });
  }

  #endWith(status: number): void {
    this.#ended = true;
    this.#observer.grpc(status);
  }

  #sendInOrder(parts: readonly Uint8Array[], byteLength: number, end: AnswerBlock | null): boolean {
    const level = this.#level;
    this.#inOrder(() => {
      this.sendHeader();
      if (level === 0) {
        this.#stream.write([prefixOf(0, byteLength), ...parts], end);
        return;
      }
      this.#later = [];
      compressMessage(parts, this.#accepted!, level, (compressed) => {
        if (compressed === null) this.#stream.write([prefixOf(0, byteLength), ...parts], end);
        else this.#stream.write([prefixOf(1, compressed.length), compressed], end);
        this.#goOn();
      });
    });
    return this.#later === null && this.#stream.heldBytes === 0;
  }

  #inOrder(step: () => void): void {
    if (this.#later === null) step();
    else this.#later.push(step);
  }

  /** Runs what waited, up to the next message that is compressed. */
  #goOn(): void {
    const steps = this.#later!;
    this.#later = null;
    for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
      step();
      if (this.#later !== null) {
        (this.#later as (() => void)[]).push(...steps);
        return;
      }
    }
    this.#stream.reader?.drained();
  }
}

function okTrailers(trailers: readonly GrpcMetadataEntry[]): AnswerBlock {
  if (trailers.length === 0) return 'grpc-ok';
  return [['grpc-status', '0'], ...metadataFields(trailers)];
}

function prefixOf(flag: number, length: number): Uint8Array {
  const prefix = Buffer.allocUnsafe(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return prefix;
}
