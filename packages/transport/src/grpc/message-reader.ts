import { PieceList } from '../http1/piece-list.ts';
import type { AlignedOffset } from './grpc-handler.ts';
import { GrpcStatus } from './grpc-status.ts';

const prefixBytes = 5;

/** What is looked at before a message gets its memory. */
const firstBytesLeast = 1024;

/** Messages up to this size get their memory with the first bytes. */
const trustedBytesMax = 256 * 1024;

/** Of a larger one so large a part must have come: a claim alone costs nothing. */
const trustedPart = 1 / 64;

/** Where messages lie. */
export interface MessageMemory {
  /** @param alignedOffset the byte that is to lie well aligned, or null. @throws RangeError when there is none. */
  allocate(byteLength: number, alignedOffset: number | null): Buffer;
}

/** A part of a message that is read straight to its place is at least so large: less is copied faster. */
const inPlaceBytesMin = 16 * 1024;

/** Takes messages, and what is wrong with them. */
export interface MessageSink {
  /** @returns Whether further messages may come now. */
  message(bytes: Buffer, compressed: boolean): boolean;
  failed(status: number, text: string): void;
}

/**
 * Cuts the messages of a call out of its bytes. One that lies whole in a piece is used in place; any
 * other is copied once, into memory of its size.
 */
export class MessageReader {
  readonly #memory: MessageMemory;
  readonly #keepsPieces: boolean;
  readonly #messageBytesMax: number;
  readonly #alignedOffset: AlignedOffset | null;
  readonly #sink: MessageSink;
  readonly #prefix = new Uint8Array(prefixBytes);
  #prefixLength = 0;
  #length = 0;
  #first: PieceList | null = null;
  #message: Buffer | null = null;
  #filled = 0;
  #failed = false;

  /** @param keepsPieces false where what is read is overwritten afterwards: messages are copied out then. */
  constructor(
    memory: MessageMemory,
    messageBytesMax: number,
    alignedOffset: AlignedOffset | null,
    sink: MessageSink,
    keepsPieces: boolean = true,
  ) {
    this.#keepsPieces = keepsPieces;
    this.#memory = memory;
    this.#messageBytesMax = messageBytesMax;
    this.#alignedOffset = alignedOffset;
    this.#sink = sink;
  }

  /** Whether a message has begun and not ended. */
  get inMessage(): boolean {
    return this.#prefixLength > 0;
  }

  /** Bytes kept of a message that is not complete. */
  get retainedBytes(): number {
    return this.#message === null && this.#first === null ? 0 : this.#filled;
  }

  /** @returns How far the bytes were read: to the end, unless the sink wants no more now. */
  read(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.#failed) return end;
      if (this.#prefixLength === 0 && end - at >= prefixBytes) {
        const length = bytes.readUInt32BE(at + 1);
        const messageStart = at + prefixBytes;
        if (length <= end - messageStart) {
          const flag = bytes[at]!;
          at = messageStart + length;
          if (!this.#accept(flag, length)) return end;
          const message = this.#inPiece(bytes, messageStart, at);
          if (!this.#sink.message(message, flag === 1)) return at;
          continue;
        }
      }
      if (this.#prefixLength < prefixBytes) {
        this.#prefix[this.#prefixLength++] = bytes[at++]!;
        if (this.#prefixLength === prefixBytes && !this.#begin()) return end;
        if (this.#length > 0 || this.#prefixLength < prefixBytes) continue;
      } else at = this.#fill(bytes, at, end);
      if (this.#filled === this.#length && !this.#finish()) return at;
    }
    return at;
  }

  /** Where up to so many bytes that come next belong, to be read from there; null where that does not matter. */
  target(byteLength: number): Buffer | null {
    const message = this.#message;
    if (message === null || this.#failed) return null;
    const stop = Math.min(this.#length, this.#filled + byteLength);
    return stop - this.#filled < inPlaceBytesMin ? null : message.subarray(this.#filled, stop);
  }

  /** A message that lies whole in what was read. */
  #inPiece(bytes: Buffer, start: number, end: number): Buffer {
    if (this.#keepsPieces) return bytes.subarray(start, end);
    const whole = bytes.subarray(start, end);
    const worthAligning = this.#alignedOffset !== null && whole.length >= firstBytesLeast;
    const offset = worthAligning ? this.#alignedOffset!(whole, whole.length) : null;
    const message = this.#memory.allocate(whole.length, offset);
    whole.copy(message);
    return message;
  }

  #accept(flag: number, length: number): boolean {
    if (flag > 1) return this.#fail(GrpcStatus.internal, 'a message with an unknown flag');
    if (length <= this.#messageBytesMax) return true;
    const text = `Received message larger than max (${length} vs. ${this.#messageBytesMax})`;
    return this.#fail(GrpcStatus.resourceExhausted, text);
  }

  #begin(): boolean {
    const prefix = this.#prefix;
    this.#length = prefix[1]! * 2 ** 24 + ((prefix[2]! << 16) | (prefix[3]! << 8) | prefix[4]!);
    this.#filled = 0;
    this.#message = null;
    this.#first = this.#length > 0 ? new PieceList(this.#keepsPieces) : null;
    if (this.#length === 0) this.#message = Buffer.alloc(0);
    return this.#accept(prefix[0]!, this.#length);
  }

  #fill(bytes: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + this.#length - this.#filled);
    const first = this.#first;
    if (first === null) {
      const message = this.#message!;
      // What was read to `target` is there already.
      const isThere =
        bytes.buffer === message.buffer &&
        bytes.byteOffset + at === message.byteOffset + this.#filled;
      if (!isThere) bytes.copy(message, this.#filled, at, stop);
    } else first.add(bytes, at, stop);
    this.#filled += stop - at;
    if (first !== null && this.#filled >= this.#firstBytes()) this.#allocate(first);
    return stop;
  }

  /** So much must have come before the message gets its memory. */
  #firstBytes(): number {
    const length = this.#length;
    const trusted = length <= trustedBytesMax ? 0 : length * trustedPart;
    return Math.min(length, Math.max(firstBytesLeast, trusted));
  }

  #allocate(first: PieceList): void {
    this.#first = null;
    try {
      if (this.#alignedOffset === null) {
        this.#message = this.#memory.allocate(this.#length, null);
        first.moveTo(this.#message);
        return;
      }
      const firstBytes = Buffer.allocUnsafe(first.byteLength);
      first.moveTo(firstBytes);
      const alignedOffset = this.#alignedOffset(firstBytes, this.#length);
      this.#message = this.#memory.allocate(this.#length, alignedOffset);
      firstBytes.copy(this.#message);
    } catch {
      this.#fail(GrpcStatus.resourceExhausted, 'not enough memory for the message');
    }
  }

  /** @returns Whether to read on. */
  #finish(): boolean {
    if (this.#failed) return false;
    const message = this.#message!;
    this.#message = null;
    this.#prefixLength = 0;
    return this.#sink.message(message, this.#prefix[0] === 1);
  }

  #fail(status: number, text: string): false {
    this.#failed = true;
    this.#message = null;
    this.#first = null;
    this.#sink.failed(status, text);
    return false;
  }
}
