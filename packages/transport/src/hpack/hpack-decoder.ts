import { DynamicTable, entryOverheadBytes } from './dynamic-table.ts';
import type { HeaderList } from './header-list.ts';
import { decodeHuffman } from './huffman-decoder.ts';
import { staticNames, staticTableLength, staticValues } from './static-table.ts';

/** A block that cannot be decoded. The connection's state is lost with it: RFC 9113 section 4.3. */
export class HpackError extends Error {
  override readonly name = 'HpackError';
}

/** Longest that a number may be: four bytes after its prefix, so that it stays below 2^29. */
const numberShiftMax = 21;

/** Blocks remembered, and the longest of them. */
const rememberedMax = 8;
const rememberedBytesMax = 512;

const emptyList: HeaderList = { names: [], values: [], tooLarge: true };

interface RememberedBlock {
  readonly bytes: Buffer;
  readonly list: HeaderList;
  /** The version of the dynamic table that it was decoded with, and did not change. */
  readonly version: number;
}

/** Decodes the header blocks of one connection, in order. RFC 7541. */
export class HpackDecoder {
  readonly #table: DynamicTable;
  readonly #tableBytesMax: number;
  readonly #listBytesMax: number;
  /** Clients send the same indexed block for every call: it is decoded once. */
  readonly #remembered: RememberedBlock[] = [];
  #nextRemembered = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;

  /**
   * @param tableBytesMax the dynamic table's limit, as announced to the encoder.
   * @param listBytesMax bytes of names and values and 32 more a field (RFC 9113 section 6.5.2).
   */
  constructor(tableBytesMax: number, listBytesMax: number) {
    this.#tableBytesMax = tableBytesMax;
    this.#listBytesMax = listBytesMax;
    this.#table = new DynamicTable(tableBytesMax);
  }

  /** @throws HpackError */
  decode(bytes: Buffer, start: number, end: number): HeaderList {
    const known = this.#recall(bytes, start, end);
    if (known !== null) return known;
    const { version } = this.#table;
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    const list = this.#decodeBlock();
    if (this.#table.version === version) this.#remember(bytes, start, end, list);
    return list;
  }

  #recall(bytes: Buffer, start: number, end: number): HeaderList | null {
    const length = end - start;
    const { version } = this.#table;
    for (const block of this.#remembered) {
      if (block.version !== version || block.bytes.length !== length) continue;
      const known = block.bytes;
      let index = 0;
      while (index < length && known[index] === bytes[start + index]) index++;
      if (index === length) return block.list;
    }
    return null;
  }

  #remember(bytes: Buffer, start: number, end: number, list: HeaderList): void {
    if (end - start > rememberedBytesMax) return;
    const block = {
      bytes: Buffer.from(bytes.subarray(start, end)),
      list,
      version: this.#table.version,
    };
    this.#remembered[this.#nextRemembered] = block;
    this.#nextRemembered = (this.#nextRemembered + 1) % rememberedMax;
  }

  #decodeBlock(): HeaderList {
    const names: string[] = [];
    const values: string[] = [];
    let byteLength = 0;
    this.#decodeSizeUpdates();
    while (this.#at < this.#end) {
      const first = this.#bytes[this.#at]!;
      let name: string;
      let value: string;
      if ((first & 0x80) !== 0) {
        const index = this.#decodeNumber(7);
        name = this.#nameAt(index);
        value =
          index <= staticTableLength
            ? staticValues[index]!
            : this.#table.value(index - staticTableLength - 1);
      } else if ((first & 0xe0) === 0x20) {
        throw new HpackError('a table size update after the first field');
      } else {
        const indexed = (first & 0x40) !== 0;
        const index = this.#decodeNumber(indexed ? 6 : 4);
        name = index === 0 ? this.#decodeString() : this.#nameAt(index);
        value = this.#decodeString();
        if (indexed) this.#table.add(name, value);
      }
      byteLength += name.length + value.length + entryOverheadBytes;
      // Later blocks refer to what this one adds to the table: it is decoded to its end.
      if (byteLength > this.#listBytesMax) continue;
      names.push(name);
      values.push(value);
    }
    return byteLength > this.#listBytesMax ? emptyList : { names, values, tooLarge: false };
  }

  /** RFC 7541 section 4.2: at the beginning of a block, and two at most. */
  #decodeSizeUpdates(): void {
    for (let count = 0; this.#at < this.#end; count++) {
      if ((this.#bytes[this.#at]! & 0xe0) !== 0x20) return;
      if (count === 2) throw new HpackError('more than two table size updates');
      const bytesMax = this.#decodeNumber(5);
      if (bytesMax > this.#tableBytesMax) throw new HpackError('a table larger than the limit');
      this.#table.resize(bytesMax);
    }
  }

  #nameAt(index: number): string {
    if (index === 0) throw new HpackError('index 0');
    if (index <= staticTableLength) return staticNames[index]!;
    const dynamicIndex = index - staticTableLength - 1;
    if (dynamicIndex >= this.#table.length) throw new HpackError('an index beyond the table');
    return this.#table.name(dynamicIndex);
  }

  #decodeString(): string {
    if (this.#at >= this.#end) throw new HpackError('a block that ends early');
    const huffman = (this.#bytes[this.#at]! & 0x80) !== 0;
    const length = this.#decodeNumber(7);
    const start = this.#at;
    const end = start + length;
    if (end > this.#end) throw new HpackError('a string that is longer than its block');
    this.#at = end;
    if (!huffman) return this.#bytes.toString('latin1', start, end);
    const text = decodeHuffman(this.#bytes, start, end);
    if (text === null) throw new HpackError('a broken Huffman code');
    return text;
  }

  /** RFC 7541 section 5.1. */
  #decodeNumber(prefixBits: number): number {
    const prefixMax = (1 << prefixBits) - 1;
    let value = this.#bytes[this.#at++]! & prefixMax;
    if (value < prefixMax) return value;
    for (let shift = 0; shift <= numberShiftMax; shift += 7) {
      if (this.#at >= this.#end) throw new HpackError('a number that ends early');
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw new HpackError('a number that is too large');
  }
}
