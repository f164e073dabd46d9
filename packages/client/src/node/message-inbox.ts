import {
  inflateMessage,
  type MessageEncoding,
  type MessageMemory,
  MessageReader,
  type MessageSink,
  PieceList,
} from '@nereid/transport/client';
import type { DataOffset } from '../grpc/grpc-channel.ts';
import { grpcError, type InferenceError, localError } from '../inference-error.ts';

/** Takes the messages of a call. */
export interface InboxOwner {
  /** @returns Whether further messages may come now; if not, `resume` asks for them. */
  message(bytes: Uint8Array): boolean;
  /** So many bytes are done with: the server may send as many more. */
  consumed(byteLength: number): void;
  /** All have come that will come. */
  complete(): void;
  /** Nothing more can be read. */
  failed(error: InferenceError): void;
}

/** Well aligned for any typed array. */
const alignmentBytes = 8;

/** Each message has memory of its own: what a caller keeps of one holds no other. */
const memory: MessageMemory = {
  allocate(byteLength, alignedOffset) {
    const padding = (alignmentBytes - ((alignedOffset ?? 0) % alignmentBytes)) % alignmentBytes;
    return Buffer.allocUnsafeSlow(byteLength + padding).subarray(padding);
  },
};

/** The messages of one call on their way in: cut out of its bytes, inflated, one after the other. */
export class MessageInbox implements MessageSink {
  /** What compressed messages are compressed with; null where nothing was said of it. */
  encoding: MessageEncoding | null = null;
  readonly #messageBytesMax: number;
  readonly #owner: InboxOwner;
  readonly #messages: MessageReader;
  #paused = false;
  #inflating = false;
  #reading = false;
  #ended = false;
  #closed = false;
  /** Bytes that came while no message was wanted: of these the server has no window back. */
  #later: PieceList | null = null;

  constructor(messageBytesMax: number, dataOffset: DataOffset | null, owner: InboxOwner) {
    this.#messageBytesMax = messageBytesMax;
    this.#owner = owner;
    this.#messages = new MessageReader(memory, messageBytesMax, dataOffset, this, false);
  }

  /** Bytes of the call, which are overwritten afterwards unless they lie in `target`. */
  data(bytes: Buffer, start: number, end: number): void {
    if (this.#closed) {
      this.#owner.consumed(end - start);
      return;
    }
    if (this.#mustWait || this.#later !== null || this.#reading) {
      this.#keep(bytes, start, end);
      return;
    }
    this.#reading = true;
    const at = this.#messages.read(bytes, start, end);
    this.#reading = false;
    this.#owner.consumed(at - start);
    if (at < end) this.#keep(bytes, at, end);
    this.#goOn();
  }

  /** Where up to so many bytes that come next belong. */
  target(byteLength: number): Buffer | null {
    return this.#mustWait || this.#later !== null ? null : this.#messages.target(byteLength);
  }

  /** No more bytes will come. */
  end(): void {
    this.#ended = true;
    this.#goOn();
  }

  /** Messages are wanted again. */
  resume(): void {
    this.#paused = false;
    this.#goOn();
  }

  /** Nothing is wanted any more. */
  close(): void {
    this.#closed = true;
    this.#later = null;
  }

  message(bytes: Buffer, compressed: boolean): boolean {
    if (!compressed) return this.#take(bytes);
    const { encoding } = this;
    if (encoding === null) {
      this.failed(13, 'a message is compressed in a way that was not said');
      return false;
    }
    const bytesMax = this.#messageBytesMax;
    this.#inflating = true;
    inflateMessage(bytes, encoding, bytesMax, (inflated) => {
      this.#inflating = false;
      if (this.#closed) return;
      if (inflated === 'broken') this.failed(13, 'a message cannot be inflated');
      else if (inflated === 'too-large') {
        this.failed(8, `Received message larger than max (more than ${bytesMax} vs. ${bytesMax})`);
      } else {
        this.#take(inflated);
        this.#goOn();
      }
    });
    // Those behind it must not overtake it.
    return !this.#mustWait && !this.#closed;
  }

  failed(status: number, text: string): void {
    if (this.#closed) return;
    const { code } = grpcError(status, '');
    this.#owner.failed(localError(code, text));
  }

  get #mustWait(): boolean {
    return this.#paused || this.#inflating;
  }

  #take({ buffer, byteOffset, byteLength }: Buffer): boolean {
    // Callers see parts of it, and know nothing of Node's Buffer.
    const message = new Uint8Array(buffer, byteOffset, byteLength);
    if (!this.#owner.message(message)) this.#paused = true;
    return !this.#paused && !this.#closed;
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    this.#later ??= new PieceList(false);
    this.#later.add(bytes, start, end);
  }

  /** Hands over what has waited, as far as it may come now. */
  #goOn(): void {
    if (this.#reading || this.#closed) return;
    this.#reading = true;
    while (this.#later !== null && !this.#mustWait) {
      const bytes = Buffer.allocUnsafeSlow(this.#later.byteLength);
      this.#later.moveTo(bytes);
      this.#later = null;
      const at = this.#messages.read(bytes, 0, bytes.length);
      this.#owner.consumed(at);
      if (this.#closed) break;
      if (at < bytes.length) this.#keep(bytes, at, bytes.length);
    }
    this.#reading = false;
    if (!this.#ended || this.#closed || this.#mustWait || this.#later !== null) return;
    if (this.#messages.inMessage) this.failed(13, 'the last message ends early');
    else this.#owner.complete();
  }
}
