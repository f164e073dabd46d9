import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { malformed } from './model-file.ts';

const endBytes = 22;
const commentBytesMax = 65_535;
const entryBytesMax = 67_108_864;
const directoryBytesMax = 268_435_456;

interface ZipEntry {
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  readonly at: number;
}

/** Reads single entries of a ZIP archive of any size. APPNOTE.TXT, sections 4.3 and 4.5. */
export class ZipFile {
  readonly path: string;
  readonly #format: string;
  readonly #file: number;
  readonly #entries = new Map<string, ZipEntry>();

  constructor(path: string, format: string) {
    this.path = path;
    this.#format = format;
    this.#file = openSync(path, 'r');
    try {
      this.#readDirectory();
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** @throws CommandError when there is no such entry, or it is larger than what is asked for here. */
  read(name: string): Buffer {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw this.#problem(`there is no ${name} in it`);
    if (entry.size > entryBytesMax || entry.packed > entryBytesMax) {
      throw this.#problem(`its ${name} is larger than ${entryBytesMax} bytes`);
    }
    const head = this.#bytes(entry.at, 30);
    const start = entry.at + 30 + head.readUInt16LE(26) + head.readUInt16LE(28);
    const packed = this.#bytes(start, entry.packed);
    if (entry.method === 0) return packed;
    if (entry.method !== 8) throw this.#problem(`its ${name} is packed in an unknown way`);
    try {
      return inflateRawSync(packed, { maxOutputLength: entryBytesMax });
    } catch {
      throw this.#problem(`its ${name} cannot be unpacked`);
    }
  }

  #readDirectory(): void {
    const { size } = fstatSync(this.#file);
    const length = Math.min(size, endBytes + commentBytesMax);
    const tail = this.#bytes(size - length, length);
    const at = tail.lastIndexOf(Buffer.from('PK\x05\x06'));
    if (at < 0 || at + endBytes > tail.length) throw this.#problem('it is no ZIP archive');
    let directoryBytes = tail.readUInt32LE(at + 12);
    let directoryAt = tail.readUInt32LE(at + 16);
    const locator = at - 20;
    if (locator >= 0 && tail.toString('latin1', locator, locator + 4) === 'PK\x06\x07') {
      const large = this.#bytes(Number(tail.readBigUInt64LE(locator + 8)), 56);
      directoryBytes = Number(large.readBigUInt64LE(40));
      directoryAt = Number(large.readBigUInt64LE(48));
    }
    if (!(directoryBytes <= directoryBytesMax)) throw this.#problem('its directory is too large');
    this.#readEntries(this.#bytes(directoryAt, directoryBytes));
  }

  #readEntries(directory: Buffer): void {
    let at = 0;
    while (at + 46 <= directory.length) {
      const nameEnd = at + 46 + directory.readUInt16LE(at + 28);
      const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
      const entry = {
        method: directory.readUInt16LE(at + 10),
        packed: directory.readUInt32LE(at + 20),
        size: directory.readUInt32LE(at + 24),
        at: directory.readUInt32LE(at + 42),
      };
      const name = directory.toString('utf8', at + 46, nameEnd);
      this.#entries.set(name, withLargeFields(entry, directory.subarray(nameEnd, extraEnd)));
      at = extraEnd + directory.readUInt16LE(at + 32);
    }
  }

  #bytes(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    if (at < 0 || readSync(this.#file, bytes, 0, length, at) < length) {
      throw this.#problem('it ends in the middle');
    }
    return bytes;
  }

  #problem(problem: string): Error {
    return malformed(this.path, this.#format, problem);
  }
}

/** Sizes and places beyond 32 bits lie in an extra field, in this order, and only those that are. */
function withLargeFields(entry: ZipEntry, extra: Buffer): ZipEntry {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === 1 && end <= extra.length) {
      let next = at + 4;
      const large = (value: number): number => {
        if (value !== 0xffff_ffff || next + 8 > end) return value;
        next += 8;
        return Number(extra.readBigUInt64LE(next - 8));
      };
      const size = large(entry.size);
      const packed = large(entry.packed);
      return { method: entry.method, size, packed, at: large(entry.at) };
    }
    at = end;
  }
  return entry;
}
