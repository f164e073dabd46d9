import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { malformed } from './model-file.ts';

const windowBytes = 65_536;
/** Names and small messages; weights are skipped, never read. */
const valueBytesMax = 16_777_216;

/** A field of a message: its number, and where its content lies or what it is. */
export interface ProtobufField {
  readonly number: number;
  /** Of a varint; 0 for others. */
  readonly value: bigint;
  /** Of what has a length: where it lies in the file; both 0 for others. */
  readonly start: number;
  readonly end: number;
}

/** Walks through protobuf's wire format in a file of any size, reading only what is looked at. */
export class ProtobufFile {
  readonly path: string;
  readonly size: number;
  readonly #format: string;
  readonly #file: number;
  readonly #window: Buffer = Buffer.alloc(windowBytes);
  #windowAt = 0;
  #windowLength = 0;

  /** @param format For messages: `ONNX model`. */
  constructor(path: string, format: string) {
    this.path = path;
    this.#format = format;
    this.#file = openSync(path, 'r');
    this.size = fstatSync(this.#file).size;
  }

  close(): void {
    closeSync(this.#file);
  }

  /** The fields of a message. @throws CommandError for what is no message. */
  *fields(start = 0, end: number = this.size): Generator<ProtobufField> {
    let at = start;
    while (at < end) {
      const tag = this.#varint(at, end);
      at = tag.end;
      const number = Number(tag.value >> 3n);
      const type = Number(tag.value & 7n);
      if (number === 0) throw this.#problem('it has a field without a number');
      if (type === 0) {
        const { value, end: next } = this.#varint(at, end);
        yield { number, value, start: 0, end: 0 };
        at = next;
      } else if (type === 2) {
        const length = this.#varint(at, end);
        const next = length.end + Number(length.value);
        if (next > end) throw this.#problem('it ends in the middle');
        yield { number, value: 0n, start: length.end, end: next };
        at = next;
      } else if (type === 1 || type === 5) {
        at += type === 1 ? 8 : 4;
        if (at > end) throw this.#problem('it ends in the middle');
      } else {
        throw this.#problem(`it has a field of the wire type ${type}`);
      }
    }
  }

  /** The first field of this number; null when there is none. */
  field(number: number, within: ProtobufField): ProtobufField | null {
    for (const field of this.fields(within.start, within.end)) {
      if (field.number === number) return field;
    }
    return null;
  }

  text({ start, end }: ProtobufField): string {
    if (end - start > valueBytesMax) throw this.#problem('it has a name of many megabytes');
    const bytes = Buffer.alloc(end - start);
    if (readSync(this.#file, bytes, 0, bytes.length, start) < bytes.length) {
      throw this.#problem('it ends in the middle');
    }
    return bytes.toString();
  }

  #varint(from: number, end: number): { value: bigint; end: number } {
    let value = 0n;
    for (let i = 0; i < 10; i++) {
      if (from + i >= end) throw this.#problem('it ends in the middle');
      const byte = this.#byte(from + i);
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: from + i + 1 };
    }
    throw this.#problem('it has a number of more than 64 bits');
  }

  #byte(at: number): number {
    const within = at - this.#windowAt;
    if (within < 0 || within >= this.#windowLength) {
      this.#windowAt = at;
      this.#windowLength = readSync(this.#file, this.#window, 0, windowBytes, at);
      return this.#window[0] as number;
    }
    return this.#window[within] as number;
  }

  #problem(problem: string): Error {
    return malformed(this.path, this.#format, problem);
  }
}
