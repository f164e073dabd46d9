import { allocateFixed } from '@nereid/native';

/** Length of the text, zero, length of the payload: see python/nereid_worker/channel.py. */
const headBytes = 16;
/** Each tensor in a payload starts at a multiple of this. */
const tensorAlignment = 64;
/** Frames up to this size are put together, so that they are one write. */
const joinedBytesMax = 64 * 1024;
/** Texts are configurations and shapes; more is a fault of the worker. */
const textBytesMax = 64 * 1024 * 1024;
/** What one Buffer can hold in every supported Node. */
const payloadBytesMax = 0xffff_ffff;

const padding = Buffer.alloc(tensorAlignment);

/** The place that so many bytes take in a payload. */
export function paddedBytes(byteCount: number): number {
  return Math.ceil(byteCount / tensorAlignment) * tensorAlignment;
}

/**
 * A frame as what is to be written, in order. Small ones are one buffer; the tensors of larger ones are
 * not copied and must stay as they are until they are written.
 */
export function encodeFrame(text: string, tensors: readonly Uint8Array[]): readonly Uint8Array[] {
  const textBytes = Buffer.byteLength(text);
  let payloadBytes = 0;
  for (const { byteLength } of tensors) payloadBytes += paddedBytes(byteLength);
  const joined = textBytes + payloadBytes <= joinedBytesMax;
  const frame = Buffer.allocUnsafe(headBytes + textBytes + (joined ? payloadBytes : 0));
  frame.writeUInt32LE(textBytes, 0);
  frame.writeUInt32LE(0, 4);
  frame.writeUInt32LE(payloadBytes >>> 0, 8);
  frame.writeUInt32LE(Math.floor(payloadBytes / 2 ** 32), 12);
  frame.write(text, headBytes);
  if (joined) {
    let offset = headBytes + textBytes;
    for (const tensor of tensors) {
      frame.set(tensor, offset);
      offset += paddedBytes(tensor.byteLength);
    }
    return [frame];
  }
  const pieces: Uint8Array[] = [frame];
  for (const tensor of tensors) {
    const padBytes = paddedBytes(tensor.byteLength) - tensor.byteLength;
    if (tensor.byteLength > 0) pieces.push(tensor);
    if (padBytes > 0) pieces.push(padding.subarray(0, padBytes));
  }
  return pieces;
}

/** Called for each frame. The payload is the receiver's own. */
export type FrameReceiver = (text: string, payload: Uint8Array) => void;

const noPayload = new Uint8Array(0);

/** Puts frames together from what arrives. A large payload is copied once, into memory of its own. */
export class FrameReader {
  readonly #receive: FrameReceiver;
  #rest: Buffer | null = null;
  #text = '';
  #payload: Uint8Array | null = null;
  #payloadFilled = 0;

  constructor(receive: FrameReceiver) {
    this.#receive = receive;
  }

  /** @throws Error for lengths that no worker of ours sends. */
  push(arrived: Buffer): void {
    let chunk = arrived;
    while (chunk.length > 0) {
      if (this.#payload !== null) {
        chunk = this.#fillPayload(chunk, this.#payload);
        continue;
      }
      if (this.#rest !== null) {
        chunk = Buffer.concat([this.#rest, chunk]);
        this.#rest = null;
      }
      const taken = this.#takeHead(chunk);
      if (taken === 0) {
        this.#rest = chunk;
        return;
      }
      chunk = chunk.subarray(taken);
    }
  }

  /** @returns the bytes of head and text, 0 when they are not all there yet. */
  #takeHead(chunk: Buffer): number {
    if (chunk.length < headBytes) return 0;
    const textBytes = chunk.readUInt32LE(0);
    const payloadBytes = chunk.readUInt32LE(8) + chunk.readUInt32LE(12) * 2 ** 32;
    if (textBytes > textBytesMax || payloadBytes > payloadBytesMax || chunk.readUInt32LE(4) !== 0) {
      throw new Error(`a frame of ${textBytes} and ${payloadBytes} bytes is none of ours`);
    }
    const end = headBytes + textBytes;
    if (chunk.length < end) return 0;
    const text = chunk.toString('utf8', headBytes, end);
    if (payloadBytes === 0) {
      this.#receive(text, noPayload);
    } else {
      this.#text = text;
      this.#payload = allocateFixed(payloadBytes);
      this.#payloadFilled = 0;
    }
    return end;
  }

  #fillPayload(chunk: Buffer, payload: Uint8Array): Buffer {
    const count = Math.min(chunk.length, payload.length - this.#payloadFilled);
    payload.set(chunk.subarray(0, count), this.#payloadFilled);
    this.#payloadFilled += count;
    if (this.#payloadFilled === payload.length) {
      this.#payload = null;
      this.#receive(this.#text, payload);
    }
    return chunk.subarray(count);
  }
}
