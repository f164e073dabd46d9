import { DynamicTable, entryOverheadBytes } from './dynamic-table.ts';
import {
  type EncodedField,
  encodeNumber,
  encodeString,
  staticWholeIndex,
} from './hpack-encoder.ts';
import { staticNameIndexes, staticTableLength } from './static-table.ts';

/** The table that is used; peers may want a smaller one, and a larger one is not made use of. */
const tableBytesDefault = 4096;

/** An entry that takes more than so much of the table would drive out the others. */
const entryPart = 1 / 4;

/** Names that are indexed; beyond so many nothing new is. */
const namesMax = 64;

/** Lists of fields whose blocks are remembered. */
const rememberedMax = 64;

interface RememberedBlock {
  readonly bytes: Uint8Array;
  readonly version: number;
}

/**
 * Encodes the header blocks of one connection in order, and has the peer remember what is repeated: a
 * field that came before costs one byte. RFC 7541 section 2.3.
 *
 * A new value of a known name is indexed when it comes a second time, so that trace ids and the like do not
 * drive out the rest. A list that is the same object as before costs a look-up.
 */
export class IndexingEncoder {
  readonly #table = new DynamicTable(tableBytesDefault);
  #tableBytes = tableBytesDefault;
  /** Fields by `name\0value`, to the count of entries added before: an index from the other end. */
  readonly #entries = new Map<string, number>();
  /** The last entry of each name, counted in the same way. */
  readonly #names = new Map<string, number>();
  #added = 0;
  /** Of each name that is no pseudo-header. */
  readonly #lastValues = new Map<string, string>();
  readonly #remembered = new Map<readonly EncodedField[], RememberedBlock>();
  /** Table sizes to be told before the next block: the smallest since the last, and the one that holds. */
  #smallestBytes: number | null = null;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /** SETTINGS_HEADER_TABLE_SIZE of the peer. */
  limit(tableBytes: number): void {
    const bytes = Math.min(tableBytes, tableBytesDefault);
    if (bytes === this.#tableBytes) return;
    this.#smallestBytes = Math.min(bytes, this.#smallestBytes ?? bytes);
    this.#tableBytes = bytes;
    this.#table.resize(bytes);
  }

  /** @returns The block to be sent now, before any other. */
  encode(fields: readonly EncodedField[]): Uint8Array {
    const known = this.#remembered.get(fields);
    const { version } = this.#table;
    if (known?.version === version && this.#smallestBytes === null) return known.bytes;
    let bytesMax = 12;
    for (const [name, value] of fields) bytesMax += name.length + value.length + 16;
    this.#block = Buffer.allocUnsafe(bytesMax);
    this.#at = 0;
    const updated = this.#writeSizes();
    for (const field of fields) this.#writeField(field);
    const bytes = this.#block.subarray(0, this.#at);
    if (!updated && this.#table.version === version) this.#remember(fields, { bytes, version });
    return bytes;
  }

  #remember(fields: readonly EncodedField[], block: RememberedBlock): void {
    if (this.#remembered.size >= rememberedMax) this.#remembered.clear();
    this.#remembered.set(fields, block);
  }

  /** Section 4.2. */
  #writeSizes(): boolean {
    const smallest = this.#smallestBytes;
    if (smallest === null) return false;
    if (smallest < this.#tableBytes) this.#writeNumber(smallest, 5, 0x20);
    this.#writeNumber(this.#tableBytes, 5, 0x20);
    this.#smallestBytes = null;
    return true;
  }

  #writeField([name, value, sensitive = false]: EncodedField): void {
    const nameIndex = staticNameIndexes.get(name) ?? 0;
    const staticIndex = sensitive ? 0 : staticWholeIndex(name, value, nameIndex);
    if (staticIndex > 0) {
      this.#writeNumber(staticIndex, 7, 0x80);
      return;
    }
    const key = `${name}\0${value}`;
    const index = sensitive ? 0 : this.#indexOf(this.#entries.get(key));
    if (index > 0) {
      this.#writeNumber(index, 7, 0x80);
      return;
    }
    const knownName = nameIndex > 0 ? nameIndex : this.#indexOf(this.#names.get(name));
    const indexed = !sensitive && this.#isWorthIndexing(name, value);
    if (indexed) this.#writeNumber(knownName, 6, 0x40);
    else this.#writeNumber(knownName, 4, sensitive ? 0x10 : 0x00);
    if (knownName === 0) this.#at = encodeString(name, this.#block, this.#at);
    this.#at = encodeString(value, this.#block, this.#at);
    if (indexed) this.#add(name, value, key);
  }

  /** Index of an entry that the peer still has, or 0. */
  #indexOf(addedBefore: number | undefined): number {
    if (addedBefore === undefined) return 0;
    const age = this.#added - addedBefore - 1;
    return age < this.#table.length ? staticTableLength + 1 + age : 0;
  }

  #isWorthIndexing(name: string, value: string): boolean {
    if (name.length + value.length + entryOverheadBytes > this.#tableBytes * entryPart)
      return false;
    // There are few paths, and many calls of each.
    if (name.charCodeAt(0) === 0x3a) return true;
    const last = this.#lastValues.get(name);
    if (last === undefined) {
      if (this.#lastValues.size >= namesMax) return false;
      this.#lastValues.set(name, value);
      return true;
    }
    if (last === value) return true;
    this.#lastValues.set(name, value);
    return false;
  }

  #add(name: string, value: string, key: string): void {
    this.#table.add(name, value);
    this.#names.set(name, this.#added);
    this.#entries.set(key, this.#added++);
    // Entries that the table has dropped stay behind in the maps.
    if (this.#entries.size <= 2 * this.#table.length + 16) return;
    for (const known of [this.#entries, this.#names]) {
      for (const [entry, addedBefore] of known) {
        if (this.#added - addedBefore > this.#table.length) known.delete(entry);
      }
    }
  }

  #writeNumber(number: number, prefixBits: number, pattern: number): void {
    this.#at = encodeNumber(number, prefixBits, pattern, this.#block, this.#at);
  }
}
