import { ErrorCode, FrameFlag, Http2ConnectionError, readUint31 } from './frame.ts';
import type { Http2Limits } from './http2-limits.ts';

/** One header as sent: HEADERS and what CONTINUATION adds to it. */
export interface HeaderBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  /** The stream says that it depends on itself, which RFC 7540 section 5.3.1 forbids. */
  readonly dependsOnItself: boolean;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

const priorityBytes = 5;

/** Puts header blocks together, within limits. RFC 9113 sections 6.2 and 6.10. */
export class HeaderBlocks {
  readonly #limits: Http2Limits;
  #begun: Omit<HeaderBlock, 'bytes' | 'start' | 'end'> | null = null;
  #pieces: Buffer[] = [];
  #byteLength = 0;
  #continuations = 0;

  constructor(limits: Http2Limits) {
    this.#limits = limits;
  }

  /** Whether nothing but CONTINUATION may come. */
  get begun(): boolean {
    return this.#begun !== null;
  }

  /** @returns Null when CONTINUATION follows. @throws Http2ConnectionError */
  headers(
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): HeaderBlock | null {
    let at = start;
    let blockEnd = end;
    if ((flags & FrameFlag.padded) !== 0) {
      if (at === end) throw tooShort();
      blockEnd -= bytes[at++]!;
    }
    let dependsOnItself = false;
    if ((flags & FrameFlag.priority) !== 0) {
      if (end - at < priorityBytes) throw tooShort();
      dependsOnItself = readUint31(bytes, at) === streamId;
      at += priorityBytes;
    }
    if (at > blockEnd) {
      throw new Http2ConnectionError(ErrorCode.protocolError, 'padding longer than its frame');
    }
    const endStream = (flags & FrameFlag.endStream) !== 0;
    if ((flags & FrameFlag.endHeaders) !== 0) {
      return { streamId, endStream, dependsOnItself, bytes, start: at, end: blockEnd };
    }
    this.#begun = { streamId, endStream, dependsOnItself };
    this.#add(bytes, at, blockEnd);
    return null;
  }

  /** @returns Null when more follows. @throws Http2ConnectionError */
  continuation(
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): HeaderBlock | null {
    const begun = this.#begun;
    if (begun === null || begun.streamId !== streamId) {
      throw new Http2ConnectionError(ErrorCode.protocolError, 'CONTINUATION of nothing');
    }
    this.#continuations++;
    if (this.#continuations > this.#limits.continuationsMax) {
      throw new Http2ConnectionError(ErrorCode.enhanceYourCalm, 'too many CONTINUATION frames');
    }
    this.#add(bytes, start, end);
    if ((flags & FrameFlag.endHeaders) === 0) return null;
    const block = Buffer.concat(this.#pieces);
    this.#begun = null;
    this.#pieces = [];
    this.#byteLength = 0;
    this.#continuations = 0;
    return { ...begun, bytes: block, start: 0, end: block.length };
  }

  #add(bytes: Buffer, start: number, end: number): void {
    this.#byteLength += end - start;
    if (this.#byteLength > this.#limits.headerBlockBytesMax) {
      throw new Http2ConnectionError(ErrorCode.enhanceYourCalm, 'a header larger than the limit');
    }
    // A copy: it lies where the next bytes may be read to.
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
  }
}

function tooShort(): Http2ConnectionError {
  return new Http2ConnectionError(ErrorCode.frameSizeError, 'a HEADERS frame that is too short');
}
