import { FrameFlag, FrameType, frameHeaderBytes } from './frame.ts';

const slabBytes = 64 * 1024;

/** Parts up to this size are copied behind each other; larger ones go out as they are. */
const copiedBytesMax = 4 * 1024;

/** Above this, what is collected goes out at once. */
const collectedBytesMax = 256 * 1024;

/** Where frames go. */
export interface FrameCarrier {
  /** False while something written waits for the peer to read. */
  readonly isDrained: boolean;
  /** Bytes written that the kernel has not taken yet. */
  readonly unsentBytes: number;
  /** Sends bytes, which must not change any more. */
  write(bytes: Uint8Array): unknown;
  writeAll(parts: readonly Uint8Array[]): unknown;
}

/** Of those who wait to hear that their frames have left; more are not told. */
const listenersMax = 256;

/**
 * Collects frames and sends all of a turn of the event loop in one write: while `corked` until
 * `uncork`, otherwise when `defer` says so.
 */
export class FrameOutput {
  readonly #carrier: FrameCarrier;
  readonly #defer: (flush: () => void) => void;
  #slab: Buffer = Buffer.alloc(0);
  /** What of the slab is not yet in `#parts` lies between these two. */
  #from = 0;
  #used = 0;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #corked = false;
  /** Told once everything added so far is with the kernel. */
  #listeners: (() => void)[] = [];
  #scheduled = false;

  /** @param defer runs what it is given after all events that are at hand, so that they share a write. */
  constructor(carrier: FrameCarrier, defer: (flush: () => void) => void) {
    this.#carrier = carrier;
    this.#defer = defer;
  }

  /** Bytes that wait for the end of the turn. */
  get byteLength(): number {
    return this.#partBytes + this.#used - this.#from;
  }

  /** Whether what waits here and in the connection leaves room for more payload. */
  get hasRoom(): boolean {
    return this.#carrier.isDrained && this.byteLength < collectedBytesMax;
  }

  frame(type: number, flags: number, streamId: number, length: number): void {
    this.#reserve(frameHeaderBytes);
    const slab = this.#slab;
    const at = this.#used;
    slab[at] = length >> 16;
    slab[at + 1] = length >> 8;
    slab[at + 2] = length;
    slab[at + 3] = type;
    slab[at + 4] = flags;
    slab[at + 5] = streamId >> 24;
    slab[at + 6] = streamId >> 16;
    slab[at + 7] = streamId >> 8;
    slab[at + 8] = streamId;
    this.#used = at + frameHeaderBytes;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#used = this.#slab.writeUInt32BE(value, this.#used);
  }

  uint16(value: number): void {
    this.#reserve(2);
    this.#used = this.#slab.writeUInt16BE(value, this.#used);
  }

  /** Payload, which must not change any more. */
  bytes(part: Uint8Array): void {
    const { length } = part;
    if (length > copiedBytesMax) {
      this.#cutSlab();
      this.#parts.push(part);
      this.#partBytes += length;
      return;
    }
    this.#reserve(length);
    const slab = this.#slab;
    const at = this.#used;
    // A call costs more than copying a few bytes.
    if (length <= 32) for (let index = 0; index < length; index++) slab[at + index] = part[index]!;
    else slab.set(part, at);
    this.#used = at + length;
  }

  /** A header, in as many frames as the peer's limit makes it. */
  headers(streamId: number, block: Uint8Array, endStream: boolean, frameBytesMax: number): void {
    const flags = endStream ? FrameFlag.endStream : 0;
    if (block.length <= frameBytesMax) {
      this.frame(FrameType.headers, flags | FrameFlag.endHeaders, streamId, block.length);
      this.bytes(block);
      return;
    }
    this.frame(FrameType.headers, flags, streamId, frameBytesMax);
    this.bytes(block.subarray(0, frameBytesMax));
    for (let at = frameBytesMax; at < block.length; at += frameBytesMax) {
      const part = block.subarray(at, at + frameBytesMax);
      const last = at + part.length === block.length;
      this.frame(FrameType.continuation, last ? FrameFlag.endHeaders : 0, streamId, part.length);
      this.bytes(part);
    }
  }

  /** Nothing leaves before `uncork`, but for what is too much to be held. */
  cork(): void {
    this.#corked = true;
  }

  uncork(): void {
    this.#corked = false;
    this.flush();
  }

  /** To be called after something was added: sends it in time. */
  commit(): void {
    if (this.byteLength >= collectedBytesMax) this.flush();
    else if (!this.#corked && !this.#scheduled) {
      this.#scheduled = true;
      this.#defer(this.#flushLater);
    }
  }

  readonly #flushLater = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  flush(): void {
    if (this.#parts.length === 0) {
      if (this.#used === this.#from) return;
      const part = this.#slab.subarray(this.#from, this.#used);
      this.#from = this.#used;
      this.#carrier.write(part);
    } else {
      this.#cutSlab();
      const parts = this.#parts;
      this.#parts = [];
      this.#partBytes = 0;
      this.#carrier.writeAll(parts);
    }
    this.tellLeft();
  }

  /**
   * Calls back once the kernel has everything that was added before. Not where that is never seen, as
   * on a connection that is always behind: nothing may depend on it but that memory is used again.
   */
  whenLeft(listener: () => void): void {
    if (this.#listeners.length < listenersMax) this.#listeners.push(listener);
  }

  /** To be called when the carrier may have handed everything over. */
  tellLeft(): void {
    if (this.#listeners.length === 0 || this.byteLength > 0 || this.#carrier.unsentBytes > 0)
      return;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  #cutSlab(): void {
    if (this.#used === this.#from) return;
    this.#parts.push(this.#slab.subarray(this.#from, this.#used));
    this.#partBytes += this.#used - this.#from;
    this.#from = this.#used;
  }

  /** Makes room in the slab. Slabs are left to the garbage collector: who sends them holds them. */
  #reserve(length: number): void {
    if (this.#used + length <= this.#slab.length) return;
    this.#cutSlab();
    this.#slab = Buffer.allocUnsafeSlow(slabBytes);
    this.#from = 0;
    this.#used = 0;
  }
}
