import {
  defaultFrameBytesMax,
  defaultWindowBytes,
  ErrorCode,
  FrameFlag,
  FrameType,
  Http2ConnectionError,
  windowBytesMax,
} from './frame.ts';
import type { FrameOutput } from './frame-output.ts';
import type { HeaderBlock, Http2Stream } from './http2-stream.ts';

/** Makes header blocks in the order in which they are sent, since they may change the peer's table. */
export interface BlockEncoder {
  /** SETTINGS_HEADER_TABLE_SIZE of the peer. */
  limit(tableBytes: number): void;
  encode(block: HeaderBlock): Uint8Array;
}

/** What one stream sends before another one has its turn. */
const turnBytes = 64 * 1024;

/** The sending half of a connection: flow control of RFC 9113 section 5.2, streams taking turns. */
export class StreamSender {
  readonly #output: FrameOutput;
  readonly #encoder: BlockEncoder;
  readonly #payloadSent: () => void;
  #window = defaultWindowBytes;
  #frameBytesMax = defaultFrameBytesMax;
  #initialWindow = defaultWindowBytes;
  /** Streams with payload that their own window lets go. */
  readonly #ready = new Set<Http2Stream>();

  /** @param payloadSent called for every header and payload that is sent. */
  constructor(output: FrameOutput, encoder: BlockEncoder, payloadSent: () => void) {
    this.#output = output;
    this.#encoder = encoder;
    this.#payloadSent = payloadSent;
  }

  get initialWindow(): number {
    return this.#initialWindow;
  }

  set frameBytesMax(bytes: number) {
    this.#frameBytesMax = bytes;
  }

  /** SETTINGS_HEADER_TABLE_SIZE of the peer. */
  limitTable(bytes: number): void {
    this.#encoder.limit(bytes);
  }

  header(stream: Http2Stream, block: HeaderBlock, end: boolean): void {
    this.#sendHeader(stream, block, end);
    if (end) this.#ended(stream);
    this.#output.commit();
  }

  write(
    stream: Http2Stream,
    parts: readonly Uint8Array[],
    end: HeaderBlock | 'data' | null,
  ): boolean {
    let byteLength = 0;
    for (const part of parts) byteLength += part.length;
    if (end !== null) stream.localEnded = true;
    if (stream.heldBytes === 0 && this.#fits(stream, byteLength)) {
      this.#sendParts(stream, parts, byteLength, end === 'data');
      if (end !== null) this.#sendEnd(stream, end);
      this.#output.commit();
      return true;
    }
    for (const part of parts) if (part.length > 0) stream.held.push(part);
    stream.heldBytes += byteLength;
    stream.heldEnd = end;
    this.#makeReady(stream);
    return stream.heldBytes === 0;
  }

  /** WINDOW_UPDATE for a stream. @returns False when its window overflows. */
  widen(stream: Http2Stream, byteLength: number): boolean {
    if (stream.sendWindow + byteLength > windowBytesMax) return false;
    stream.sendWindow += byteLength;
    this.#makeReady(stream);
    return true;
  }

  /** WINDOW_UPDATE for the connection. */
  widenAll(byteLength: number): void {
    if (this.#window + byteLength > windowBytesMax) {
      throw new Http2ConnectionError(ErrorCode.flowControlError, 'a window beyond 2^31-1');
    }
    this.#window += byteLength;
    this.pump();
  }

  /**
   * SETTINGS_INITIAL_WINDOW_SIZE, which changes all windows that are open: section 6.9.2. What may be
   * sent then follows with `pumpAll`, behind the acknowledgement.
   */
  resizeWindows(streams: Iterable<Http2Stream>, initialWindow: number): void {
    const change = initialWindow - this.#initialWindow;
    this.#initialWindow = initialWindow;
    for (const stream of streams) {
      if (stream.sendWindow + change > windowBytesMax) {
        throw new Http2ConnectionError(ErrorCode.flowControlError, 'a window beyond 2^31-1');
      }
      stream.sendWindow += change;
    }
  }

  pumpAll(streams: Iterable<Http2Stream>): void {
    for (const stream of streams) {
      if (stream.heldBytes > 0 && stream.sendWindow > 0) this.#ready.add(stream);
    }
    this.pump();
  }

  /** Drops what a closed stream still holds. */
  forget(stream: Http2Stream): void {
    stream.held.length = 0;
    stream.heldBytes = 0;
    stream.heldEnd = null;
    this.#ready.delete(stream);
  }

  /** Sends what the windows and the connection let go, streams in turn. */
  pump(): void {
    for (const stream of this.#ready) {
      if (this.#window <= 0 || !this.#output.hasRoom) break;
      this.#ready.delete(stream);
      this.#sendHeld(stream);
      // Behind all others: a set hands over what is added while it is walked.
      if (stream.heldBytes > 0 && stream.sendWindow > 0) this.#ready.add(stream);
    }
    this.#output.commit();
  }

  #fits(stream: Http2Stream, byteLength: number): boolean {
    if (byteLength === 0) return true;
    return (
      byteLength <= stream.sendWindow &&
      byteLength <= this.#window &&
      this.#ready.size === 0 &&
      this.#output.hasRoom
    );
  }

  #makeReady(stream: Http2Stream): void {
    if (stream.heldBytes === 0 || stream.sendWindow <= 0) return;
    this.#ready.add(stream);
    this.pump();
  }

  #sendHeld(stream: Http2Stream): void {
    const { held } = stream;
    const byteLength = Math.min(stream.heldBytes, stream.sendWindow, this.#window, turnBytes);
    const parts: Uint8Array[] = [];
    let left = byteLength;
    let taken = 0;
    while (left > 0) {
      const part = held[taken]!;
      if (part.length > left) {
        parts.push(part.subarray(0, left));
        held[taken] = part.subarray(left);
        break;
      }
      parts.push(part);
      left -= part.length;
      taken++;
    }
    held.splice(0, taken);
    stream.heldBytes -= byteLength;
    const end = stream.heldBytes === 0 ? stream.heldEnd : null;
    this.#sendParts(stream, parts, byteLength, end === 'data');
    if (stream.heldBytes > 0) return;
    if (end === null) stream.reader?.drained();
    else this.#sendEnd(stream, end);
  }

  /** Parts as DATA frames; the windows must have been looked at. */
  #sendParts(
    stream: Http2Stream,
    parts: readonly Uint8Array[],
    byteLength: number,
    end: boolean,
  ): void {
    if (byteLength === 0 && !end) return;
    const output = this.#output;
    stream.sendWindow -= byteLength;
    this.#window -= byteLength;
    this.#payloadSent();
    if (byteLength <= this.#frameBytesMax) {
      output.frame(FrameType.data, end ? FrameFlag.endStream : 0, stream.id, byteLength);
      for (const part of parts) output.bytes(part);
      return;
    }
    let unsent = byteLength;
    let room = 0;
    for (const part of parts) {
      for (let at = 0; at < part.length; ) {
        if (room === 0) {
          room = Math.min(unsent, this.#frameBytesMax);
          unsent -= room;
          const flags = end && unsent === 0 ? FrameFlag.endStream : 0;
          output.frame(FrameType.data, flags, stream.id, room);
        }
        const count = Math.min(room, part.length - at);
        output.bytes(at === 0 && count === part.length ? part : part.subarray(at, at + count));
        at += count;
        room -= count;
      }
    }
  }

  #sendEnd(stream: Http2Stream, end: HeaderBlock | 'data'): void {
    if (end !== 'data') this.#sendHeader(stream, end, true);
    this.#ended(stream);
  }

  #sendHeader(stream: Http2Stream, block: HeaderBlock, end: boolean): void {
    this.#payloadSent();
    const bytes = this.#encoder.encode(block);
    this.#output.headers(stream.id, bytes, end, this.#frameBytesMax);
  }

  #ended(stream: Http2Stream): void {
    stream.localEnded = true;
    if (stream.left !== null) this.#output.whenLeft(stream.left);
    stream.owner.localEnd(stream);
  }
}
