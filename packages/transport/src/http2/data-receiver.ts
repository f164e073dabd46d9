import { defaultWindowBytes, ErrorCode, FrameType, Http2ConnectionError } from './frame.ts';
import type { FrameOutput } from './frame-output.ts';
import type { Http2Limits } from './http2-limits.ts';
import type { Http2Stream } from './http2-stream.ts';

/** A message of which so much has come is large. */
const largeMessageBytes = 128 * 1024;

/** What becomes of streams that DATA ends or breaks. */
export interface DataOwner {
  /** A message of this connection is large: others may be. */
  largeMessage(): void;
  breakStream(stream: Http2Stream, code: number): void;
  remoteEnd(stream: Http2Stream): void;
}

/** The receiving half of a connection: windows, and what requests hold. RFC 9113 section 5.2. */
export class DataReceiver {
  readonly #limits: Http2Limits;
  readonly #output: FrameOutput;
  readonly #owner: DataOwner;
  #window: number;
  #consumedBytes = 0;
  #largeSeen = false;
  /** Held by readers of requests that are not complete. */
  #retainedBytes = 0;
  /** Of the frame being read; the stream is null where its bytes are thrown away. */
  #stream: Http2Stream | null = null;
  #ends = false;
  /** What counts against the windows and has not come yet. */
  #flowBytes = 0;

  constructor(limits: Http2Limits, output: FrameOutput, owner: DataOwner) {
    this.#limits = limits;
    this.#output = output;
    this.#owner = owner;
    this.#window = Math.max(limits.connectionWindowBytes, defaultWindowBytes);
  }

  /** Opens the window of the connection, which SETTINGS cannot: section 6.9.2. */
  greet(): void {
    const more = this.#window - defaultWindowBytes;
    if (more > 0) this.#sendUpdate(0, more);
  }

  /** A DATA frame begins; its stream may not be known yet. */
  start(flowBytes: number, ends: boolean): void {
    this.#stream = null;
    this.#flowBytes = flowBytes;
    this.#ends = ends;
    this.#window -= flowBytes;
    if (this.#window >= 0) return;
    throw new Http2ConnectionError(ErrorCode.flowControlError, 'more DATA than the window holds');
  }

  /** The frame belongs to this stream, which is open. */
  take(stream: Http2Stream): void {
    stream.receiveWindow -= this.#flowBytes;
    if (stream.receiveWindow >= 0) this.#stream = stream;
    else this.#owner.breakStream(stream, ErrorCode.flowControlError);
  }

  piece(bytes: Buffer, start: number, end: number, last: boolean): void {
    const stream = this.#stream;
    const length = end - start;
    this.#flowBytes -= length;
    if (stream === null || stream.closed) this.#giveBackConnection(length);
    else if (length > 0) this.#readData(stream, bytes, start, end);
    else if (!this.#ends) this.#countEmpty(stream);
    if (!last) return;
    // What is left is padding.
    if (stream === null || stream.closed) this.#giveBackConnection(this.#flowBytes);
    else {
      stream.unconsumedBytes += this.#flowBytes;
      this.giveBack(stream, this.#flowBytes);
      if (this.#ends) this.#owner.remoteEnd(stream);
    }
  }

  /** The reader of a stream has done with so many bytes. */
  giveBack(stream: Http2Stream, byteLength: number): void {
    if (stream.closed) return;
    stream.unconsumedBytes -= byteLength;
    stream.consumedBytes += byteLength;
    const { streamWindowBytes } = this.#limits;
    if (!stream.remoteEnded && stream.consumedBytes * 2 >= streamWindowBytes) {
      this.#sendUpdate(stream.id, stream.consumedBytes);
      stream.receiveWindow += stream.consumedBytes;
      stream.consumedBytes = 0;
    }
    this.#giveBackConnection(byteLength);
  }

  /** The request of a stream is complete. */
  completed(stream: Http2Stream): void {
    this.#retainedBytes -= stream.retainedBytes;
    stream.retainedBytes = 0;
  }

  /** A stream has closed: nobody will read what is left. */
  forget(stream: Http2Stream): void {
    this.completed(stream);
    this.#giveBackConnection(stream.unconsumedBytes);
    stream.unconsumedBytes = 0;
  }

  /** Where the payload of the frame being read belongs; null where nobody knows. */
  target(byteLength: number): Buffer | null {
    const stream = this.#stream;
    if (stream === null || stream.closed) return null;
    return stream.reader?.target?.(byteLength) ?? null;
  }

  #readData(stream: Http2Stream, bytes: Buffer, start: number, end: number): void {
    stream.unconsumedBytes += end - start;
    if (stream.promisedBytes >= 0) {
      stream.promisedBytes -= end - start;
      if (stream.promisedBytes < 0) {
        this.#owner.breakStream(stream, ErrorCode.protocolError);
        return;
      }
    }
    const reader = stream.reader!;
    reader.data(bytes, start, end);
    if (stream.closed) return;
    const { retainedBytes } = reader;
    this.#retainedBytes += retainedBytes - stream.retainedBytes;
    stream.retainedBytes = retainedBytes;
    if (retainedBytes >= largeMessageBytes && !this.#largeSeen) {
      this.#largeSeen = true;
      this.#owner.largeMessage();
    }
    const alone = this.#retainedBytes === retainedBytes;
    if (this.#retainedBytes <= this.#limits.requestBytesMax || alone) return;
    this.#owner.breakStream(stream, ErrorCode.enhanceYourCalm);
  }

  #countEmpty(stream: Http2Stream): void {
    stream.emptyFrames++;
    if (stream.emptyFrames <= this.#limits.emptyDataFramesMax) return;
    throw new Http2ConnectionError(ErrorCode.enhanceYourCalm, 'too many empty DATA frames');
  }

  #giveBackConnection(byteLength: number): void {
    this.#consumedBytes += byteLength;
    if (this.#consumedBytes * 2 < this.#limits.connectionWindowBytes) return;
    this.#sendUpdate(0, this.#consumedBytes);
    this.#window += this.#consumedBytes;
    this.#consumedBytes = 0;
  }

  #sendUpdate(streamId: number, byteLength: number): void {
    this.#output.frame(FrameType.windowUpdate, 0, streamId, 4);
    this.#output.uint32(byteLength);
    this.#output.commit();
  }
}
