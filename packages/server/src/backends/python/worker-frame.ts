import { allocateFixed } from '@nereid/native';
import { formPayloadBytesMax } from './form-slots.ts';
import { longNumberBytes, readLongNumber, writeLongNumber } from './long-number.ts';
import { payloadPieces, payloadSize, placeTensor } from './payload-places.ts';

/** Length of the text, place of the payload, length of the payload: see python/nereid_worker/channel.py. */
export const headBytes = 16;
/** The payload follows the text. */
const placeInline = 0;
/**
 * The payload is in shared memory and its offset, a long number, follows the text: in the memory of the server
 * where the server says so, in the worker's own where the worker does.
 */
const placeShared = 1;
/** The payload is in the memory that the server granted for it. As with `placeShared`. */
const placeGranted = 2;
/** Numbers are in the place of the text, for what is of forms that both sides know; the payload follows them. */
const placeAfterNumbers = 256;
/** Frames up to this size are put together, so that they are one write. */
const joinedBytesMax = 64 * 1024;
/** Texts are configurations and shapes; more is a fault of the worker. */
const textBytesMax = 64 * 1024 * 1024;
/** Far more than the numbers of any batch of answers. */
const numbersBytesMax = 1024 * 1024;
/** What one Buffer can hold in every supported Node. */
const payloadBytesMax = 0xffff_ffff;

/**
 * A frame as what is to be written, in order. Small ones are one buffer; the tensors of larger ones are
 * not copied and must stay as they are until they are written.
 */
export function encodeFrame(text: string, tensors: readonly Uint8Array[]): readonly Uint8Array[] {
  const textBytes = Buffer.byteLength(text);
  const payloadBytes = payloadSize(tensors);
  const joined = textBytes + payloadBytes <= joinedBytesMax;
  const frame = Buffer.allocUnsafe(headBytes + textBytes + (joined ? payloadBytes : 0));
  writeHead(frame, textBytes, placeInline, payloadBytes);
  frame.write(text, headBytes);
  if (!joined) return [frame, ...payloadPieces(tensors)];
  let offset = headBytes + textBytes;
  for (const tensor of tensors) offset = placeTensor(frame, tensor, offset);
  return [frame];
}

/** A frame whose payload was written to shared memory. */
export function encodeSharedFrame(text: string, payloadBytes: number, offset: number): Uint8Array {
  const textBytes = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(headBytes + textBytes + longNumberBytes);
  writeHead(frame, textBytes, placeShared, payloadBytes);
  frame.write(text, headBytes);
  writeLongNumber(frame, offset, headBytes + textBytes);
  return frame;
}

/** The head of a frame whose numbers and payload are written after it. */
export function writeNumbersHead(frame: Buffer, numbersBytes: number, payloadBytes: number): void {
  writeHead(frame, numbersBytes, placeAfterNumbers, payloadBytes);
}

function writeHead(frame: Buffer, textBytes: number, place: number, payloadBytes: number): void {
  frame.writeUInt32LE(textBytes, 0);
  frame.writeUInt32LE(place, 4);
  writeLongNumber(frame, payloadBytes, 8);
}

/** A payload in shared memory. */
export interface SharedPayload {
  /** In the memory that was granted for it, not in the worker's own. */
  readonly granted: boolean;
  readonly offset: number;
  readonly byteCount: number;
}

/** What is called for each frame. A payload that came with it is the receiver's own. */
export interface FrameReceiver {
  text(text: string, payload: Uint8Array | SharedPayload): void;
  /** @param numbers used again after the call */
  numbers(numbers: Buffer, payload: Uint8Array): void;
}

const noPayload = new Uint8Array(0);

/** Puts frames together from what arrives. A large payload is copied once, into memory of its own. */
export class FrameReader {
  readonly #receiver: FrameReceiver;
  /** What has come of a head and its text, while that is less than `#wantedBytes`. */
  #pieces: Buffer[] = [];
  #piecesBytes = 0;
  #wantedBytes = headBytes;
  #text = '';
  #payload: Uint8Array | null = null;
  #payloadFilled = 0;

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver;
  }

  /** @throws Error for lengths that no worker of ours sends. */
  push(arrived: Buffer): void {
    let chunk = arrived;
    while (chunk.length > 0) {
      if (this.#payload !== null) {
        chunk = this.#fillPayload(chunk, this.#payload);
        continue;
      }
      const joined = this.#joined(chunk);
      if (joined === null) return;
      const taken = this.#takeHead(joined);
      if (taken === 0) {
        this.#pieces = [joined];
        this.#piecesBytes = joined.length;
        return;
      }
      chunk = joined.subarray(taken);
    }
  }

  /** With what came before; null while that is too little. A large text comes in hundreds of pieces. */
  #joined(chunk: Buffer): Buffer | null {
    if (this.#pieces.length === 0) return chunk;
    this.#pieces.push(chunk);
    this.#piecesBytes += chunk.length;
    if (this.#piecesBytes < this.#wantedBytes) return null;
    const joined = Buffer.concat(this.#pieces, this.#piecesBytes);
    this.#pieces = [];
    return joined;
  }

  /** @returns the bytes of head and text, 0 when they are not all there yet. */
  #takeHead(chunk: Buffer): number {
    if (!this.#isThere(chunk, headBytes)) return 0;
    const textBytes = chunk.readUInt32LE(0);
    const payloadBytes = readLongNumber(chunk, 8);
    const place = chunk.readUInt32LE(4);
    if (place === placeAfterNumbers) return this.#takeNumbers(chunk, textBytes, payloadBytes);
    if (textBytes > textBytesMax || payloadBytes > payloadBytesMax || place > placeGranted) {
      throw new Error(`a frame of ${textBytes} and ${payloadBytes} bytes is none of ours`);
    }
    const textEnd = headBytes + textBytes;
    const end = place === placeInline ? textEnd : textEnd + longNumberBytes;
    if (!this.#isThere(chunk, end)) return 0;
    const text = chunk.toString('utf8', headBytes, textEnd);
    if (place !== placeInline) {
      const offset = readLongNumber(chunk, textEnd);
      this.#receiver.text(text, {
        granted: place === placeGranted,
        offset,
        byteCount: payloadBytes,
      });
    } else if (payloadBytes === 0) {
      this.#receiver.text(text, noPayload);
    } else {
      this.#text = text;
      this.#payload = allocateFixed(payloadBytes);
      this.#payloadFilled = 0;
    }
    return end;
  }

  #isThere(chunk: Buffer, byteCount: number): boolean {
    if (chunk.length >= byteCount) return true;
    this.#wantedBytes = byteCount;
    return false;
  }

  /** Taken when all of it is there: it is small. */
  #takeNumbers(chunk: Buffer, numbersBytes: number, payloadBytes: number): number {
    if (numbersBytes > numbersBytesMax || payloadBytes > formPayloadBytesMax) {
      throw new Error(`numbers of ${numbersBytes} and ${payloadBytes} bytes are none of ours`);
    }
    const numbersEnd = headBytes + numbersBytes;
    const end = numbersEnd + payloadBytes;
    if (!this.#isThere(chunk, end)) return 0;
    // From Node's pool: its places are multiples of 8, as typed arrays need.
    const payload = Buffer.allocUnsafe(payloadBytes);
    chunk.copy(payload, 0, numbersEnd, end);
    this.#receiver.numbers(chunk.subarray(headBytes, numbersEnd), payload);
    return end;
  }

  #fillPayload(chunk: Buffer, payload: Uint8Array): Buffer {
    const count = Math.min(chunk.length, payload.length - this.#payloadFilled);
    payload.set(chunk.subarray(0, count), this.#payloadFilled);
    this.#payloadFilled += count;
    if (this.#payloadFilled === payload.length) {
      this.#payload = null;
      this.#receiver.text(this.#text, payload);
    }
    return chunk.subarray(count);
  }
}
