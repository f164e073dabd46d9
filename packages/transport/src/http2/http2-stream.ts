import type { EncodedField } from '../hpack/hpack-encoder.ts';
import { ErrorCode } from './frame.ts';
import type { StreamSender } from './stream-sender.ts';

/** Why a stream was over before it was complete. */
export interface StreamLoss {
  /** One of `ErrorCode`. */
  readonly code: number;
  /** Who has ended it; `connection` where that was lost. */
  readonly by: 'peer' | 'us' | 'connection';
  /** What there is to say beside the code; may be empty. */
  readonly text: string;
  /** What happened to the connection. */
  readonly cause?: Error;
}

/** Takes what a peer sends on a stream. Nothing of it may throw. */
export interface StreamReader {
  /**
   * Payload. A server's is in memory that is never reused. The peer gets the same number of bytes again
   * when `stream.consumed` has been told of them.
   */
  data(bytes: Buffer, start: number, end: number): void;
  /** Where up to so many bytes of payload that come next belong; `data` is given them from there. */
  target?(byteLength: number): Buffer | null;
  /** Bytes that it keeps of a request, or of a message, that is not complete. */
  readonly retainedBytes: number;
  /** The peer has sent all. */
  end(): void;
  /** The stream is over before its answer was complete: reset by either side, or the connection gone. */
  gone(loss: StreamLoss): void;
  /** Everything written has left: there is room again. */
  drained(): void;
  /** Called every so often to look for timeouts. */
  sweep(): void;
}

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly remoteAddress: string;
  readonly nowMs: number;
  isOver(sinceMs: number, limitMs: number): boolean;
  readonly sender: StreamSender;
  /** Gives back window of the connection and the stream. */
  giveBack(stream: Http2Stream, byteLength: number): void;
  /** Sends RST_STREAM and forgets the stream. */
  reset(stream: Http2Stream, code: number): void;
  /** Both sides have ended the stream. */
  finish(stream: Http2Stream): void;
  /** We have sent all that we will. */
  localEnd(stream: Http2Stream): void;
}

/** A header: bytes that mean the same at any time, fields, or one that the sender makes in its turn. */
export type HeaderBlock = Uint8Array | readonly EncodedField[] | SharedBlock;

/** Fields that every gRPC answer repeats; the sender puts them into the client's table. */
export type SharedBlock = 'grpc-header' | 'grpc-ok';

/** A part that is held, beyond its bytes. */
const partCostBytes = 128;

/** One request and its answer, for either side. RFC 9113 section 5. */
export class Http2Stream {
  readonly id: number;
  readonly owner: StreamOwner;
  reader: StreamReader | null = null;
  /** What the peer may still send us, and what it got back but was not told yet. */
  receiveWindow: number;
  consumedBytes = 0;
  /** What we may still send; negative after the peer has made its windows smaller. */
  sendWindow: number;
  /** The peer has sent END_STREAM. */
  remoteEnded = false;
  /** We have sent, or at least written, all there is. */
  localEnded = false;
  /** Closed, whoever did it. */
  closed = false;
  /** Whether DATA may come: a client's not before the header of the response. */
  takesData = true;
  /** Body bytes that content-length promises and that have not come; -1 where nothing is promised. */
  promisedBytes = -1;
  emptyFrames = 0;
  /** Of its table alone. */
  nextInTable: Http2Stream | null = null;
  /** What its reader retains, as the connection has counted it. */
  retainedBytes = 0;
  /** Payload that the reader has and has not done with. */
  unconsumedBytes = 0;
  /** Written but held back by a window or a slow connection. */
  readonly held: Uint8Array[] = [];
  heldBytes = 0;
  /** What ends the stream after `held`; `data` for END_STREAM on the last DATA frame. */
  heldEnd: HeaderBlock | 'data' | null = null;
  /**
   * Called once the kernel has all that was sent on the stream, to its end; not where the stream is broken
   * off before, or where that is never seen. To be set before the end is sent.
   */
  left: (() => void) | null = null;

  constructor(id: number, owner: StreamOwner, receiveWindow: number, sendWindow: number) {
    this.id = id;
    this.owner = owner;
    this.receiveWindow = receiveWindow;
    this.sendWindow = sendWindow;
  }

  /** What `held` costs: a part of few bytes is more object than bytes. */
  get heldCostBytes(): number {
    return this.heldBytes + this.held.length * partCostBytes;
  }

  get remoteAddress(): string {
    return this.owner.remoteAddress;
  }

  /** Sends a header; with `end` it is the whole answer. */
  header(block: HeaderBlock, end: boolean): void {
    if (this.closed || this.localEnded) return;
    this.owner.sender.header(this, block, end);
  }

  /**
   * Sends payload, now or when there is room.
   *
   * @param end ends the answer, with these trailers or, for `data`, without any.
   * @returns Whether everything has left.
   */
  write(parts: readonly Uint8Array[], end: HeaderBlock | 'data' | null): boolean {
    if (this.closed || this.localEnded) return true;
    return this.owner.sender.write(this, parts, end);
  }

  /** The reader has done with so many bytes. */
  consumed(byteLength: number): void {
    if (byteLength > 0) this.owner.giveBack(this, byteLength);
  }

  /** Breaks the stream off. */
  reset(code: number = ErrorCode.cancel): void {
    if (!this.closed) this.owner.reset(this, code);
  }
}
