import {
  ErrorCode,
  FrameFlag,
  FrameType,
  frameHeaderBytes,
  Http2ConnectionError,
  readUint31,
} from './frame.ts';

/** Takes frames. What it throws ends the reading. */
export interface FrameSink {
  /** A whole frame of any type but DATA; its payload is `bytes[start..end)`. */
  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void;
  /** The header of a DATA frame; `flowBytes` is what counts against the windows, padding included. */
  onDataStart(streamId: number, flags: number, flowBytes: number): void;
  /** A piece of its payload without padding; `last` comes once a frame, perhaps with nothing. */
  onDataPiece(bytes: Buffer, start: number, end: number, last: boolean): void;
}

/** Cuts what a peer sends into frames, without copying what lies in one piece. RFC 9113 section 4.1. */
export class FrameReader {
  readonly #sink: FrameSink;
  #frameBytesMax: number;
  readonly #heldBytesMax: number;
  readonly #header = Buffer.alloc(frameHeaderBytes);
  #headerLength = 0;
  #frameCount = 0;
  #length = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** Payload of the frame being read that has not come yet; -1 between frames. */
  #left = -1;
  /** Padding at the end of the DATA frame being read; -1 before its length is known. */
  #padding = 0;
  /** A frame other than DATA that did not come in one piece. */
  #payload: Buffer | null = null;
  #payloadLength = 0;

  /**
   * @param frameBytesMax what the peer was told.
   * @param heldBytesMax of frames other than DATA, which are held until they are whole.
   */
  constructor(sink: FrameSink, frameBytesMax: number, heldBytesMax: number = frameBytesMax) {
    this.#sink = sink;
    this.#frameBytesMax = frameBytesMax;
    this.#heldBytesMax = heldBytesMax;
  }

  /** What the peer is told from now on; it may keep to less for as long as it likes. */
  set frameBytesMax(bytes: number) {
    this.#frameBytesMax = bytes;
  }

  /** Whether a frame other than DATA, or a frame's header, has begun and not ended. */
  get isWaiting(): boolean {
    return this.#headerLength > 0 || (this.#left >= 0 && this.#type !== FrameType.data);
  }

  /** Payload of the DATA frame being read that has not come yet; 0 between frames, and where padding is near. */
  get dataBytesLeft(): number {
    return this.#left > 0 && this.#type === FrameType.data && this.#padding === 0 ? this.#left : 0;
  }

  /** Payload of the DATA frame that has just ended; 0 where the next frame has begun, or it was another. */
  get endedDataBytes(): number {
    const ended = this.#left < 0 && this.#headerLength === 0 && this.#type === FrameType.data;
    return ended ? this.#length : 0;
  }

  /** Frames begun so far. */
  get frameCount(): number {
    return this.#frameCount;
  }

  /** @throws Http2ConnectionError, and what the sink throws. */
  read(bytes: Buffer, start: number): void {
    let at = start;
    const { length } = bytes;
    for (;;) {
      if (this.#left < 0) {
        if (at === length) return;
        at = this.#readHeader(bytes, at);
        if (this.#left < 0) return;
      }
      // A frame without payload ends with its header, whether or not more bytes follow.
      if (this.#left > 0 && at === length) return;
      at = this.#type === FrameType.data ? this.#readData(bytes, at) : this.#readPayload(bytes, at);
    }
  }

  /** @returns Where the header ends, with `#left` still -1 when it has not ended. */
  #readHeader(bytes: Buffer, at: number): number {
    if (this.#headerLength === 0 && at + frameHeaderBytes <= bytes.length) {
      this.#startFrame(bytes, at);
      return at + frameHeaderBytes;
    }
    const count = Math.min(frameHeaderBytes - this.#headerLength, bytes.length - at);
    bytes.copy(this.#header, this.#headerLength, at, at + count);
    this.#headerLength += count;
    if (this.#headerLength === frameHeaderBytes) {
      this.#headerLength = 0;
      this.#startFrame(this.#header, 0);
    }
    return at + count;
  }

  #startFrame(header: Buffer, at: number): void {
    const length = (header[at]! << 16) | (header[at + 1]! << 8) | header[at + 2]!;
    this.#type = header[at + 3]!;
    this.#flags = header[at + 4]!;
    this.#streamId = readUint31(header, at + 5);
    if (length > this.#frameBytesMax) {
      throw new Http2ConnectionError(ErrorCode.frameSizeError, 'a frame larger than the limit');
    }
    this.#frameCount++;
    this.#left = length;
    this.#length = length;
    if (this.#type !== FrameType.data) {
      if (length <= this.#heldBytesMax) return;
      throw new Http2ConnectionError(ErrorCode.enhanceYourCalm, 'a frame larger than is held');
    }
    this.#padding = (this.#flags & FrameFlag.padded) !== 0 ? -1 : 0;
    if (this.#padding === -1 && length === 0) {
      throw new Http2ConnectionError(ErrorCode.frameSizeError, 'padding without its length');
    }
    this.#sink.onDataStart(this.#streamId, this.#flags, length);
  }

  #readData(bytes: Buffer, start: number): number {
    let at = start;
    if (this.#padding < 0) {
      this.#padding = bytes[at++]!;
      this.#left--;
      if (this.#padding > this.#left) {
        throw new Http2ConnectionError(ErrorCode.protocolError, 'padding longer than its frame');
      }
    }
    const end = Math.min(bytes.length, at + this.#left);
    const dataEnd = Math.min(end, Math.max(at, at + this.#left - this.#padding));
    const last = end - at === this.#left;
    this.#left = last ? -1 : this.#left - (end - at);
    if (last || dataEnd > at) this.#sink.onDataPiece(bytes, at, dataEnd, last);
    return end;
  }

  #readPayload(bytes: Buffer, at: number): number {
    const available = bytes.length - at;
    if (this.#payload === null && available >= this.#left) {
      const end = at + this.#left;
      this.#left = -1;
      this.#sink.onFrame(this.#type, this.#flags, this.#streamId, bytes, at, end);
      return end;
    }
    if (this.#payload === null) {
      this.#payload = Buffer.allocUnsafeSlow(this.#left);
      this.#payloadLength = 0;
    }
    const payload = this.#payload;
    const end = at + Math.min(available, this.#left);
    bytes.copy(payload, this.#payloadLength, at, end);
    this.#payloadLength += end - at;
    this.#left -= end - at;
    if (this.#left > 0) return end;
    this.#left = -1;
    this.#payload = null;
    this.#sink.onFrame(this.#type, this.#flags, this.#streamId, payload, 0, payload.length);
    return end;
  }
}
