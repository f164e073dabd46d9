/** What an entry counts beyond its name and value: RFC 7541 section 4.1. */
export const entryOverheadBytes = 32;

/** The fields that an encoder has told us to remember, the newest first. RFC 7541 section 2.3.2. */
export class DynamicTable {
  /** A ring: the newest entry lies before `#head`. */
  #names: string[] = new Array<string>(64).fill('');
  #values: string[] = new Array<string>(64).fill('');
  #head = 0;
  #length = 0;
  #byteLength = 0;
  #bytesMax: number;
  #version = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#length;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** Changes whenever an index may stand for something else than before. */
  get version(): number {
    return this.#version;
  }

  /** @param index counted from 0, the newest entry; less than `length`. */
  name(index: number): string {
    return this.#names[this.#slot(index)]!;
  }

  value(index: number): string {
    return this.#values[this.#slot(index)]!;
  }

  /** Adds an entry and drops the oldest ones that leave no room; one that is too large empties all. */
  add(name: string, value: string): void {
    const byteLength = name.length + value.length + entryOverheadBytes;
    this.#version++;
    this.#evict(this.#bytesMax - byteLength);
    if (byteLength > this.#bytesMax) return;
    if (this.#length === this.#names.length) this.#grow();
    this.#names[this.#head] = name;
    this.#values[this.#head] = value;
    this.#head = (this.#head + 1) & (this.#names.length - 1);
    this.#length++;
    this.#byteLength += byteLength;
  }

  resize(bytesMax: number): void {
    this.#version++;
    this.#bytesMax = bytesMax;
    this.#evict(bytesMax);
  }

  #slot(index: number): number {
    return (this.#head - 1 - index) & (this.#names.length - 1);
  }

  #evict(bytesMax: number): void {
    while (this.#length > 0 && this.#byteLength > bytesMax) {
      const slot = this.#slot(this.#length - 1);
      const name = this.#names[slot]!;
      const value = this.#values[slot]!;
      this.#byteLength -= name.length + value.length + entryOverheadBytes;
      this.#names[slot] = '';
      this.#values[slot] = '';
      this.#length--;
    }
  }

  #grow(): void {
    const names: string[] = [];
    const values: string[] = [];
    for (let index = this.#length - 1; index >= 0; index--) {
      names.push(this.name(index));
      values.push(this.value(index));
    }
    const free = new Array<string>(this.#length).fill('');
    this.#head = this.#length;
    this.#names = [...names, ...free];
    this.#values = [...values, ...free];
  }
}
