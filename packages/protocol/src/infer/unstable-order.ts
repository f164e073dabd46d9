import type { OrderKeys } from './element-order.ts';

/** So few elements are left to the insertion sort at the end, which keeps the order of equal ones. */
const insertedMax = 16;

/**
 * Indexes of all elements in the order that C++'s `std::sort` of GNU's library leaves them in, which is that of
 * Triton's classes: equal elements change places while others are sorted, always in the same way. It is an
 * introspective sort: quicksort around a median of three, a heap where that goes too deep, insertion at the end.
 */
export function unstableOrder(keys: OrderKeys): Uint32Array {
  return new UnstableSort(keys).sorted();
}

class UnstableSort {
  readonly #high: Uint32Array;
  readonly #low: Uint32Array | null;
  readonly #indexes: Uint32Array;

  constructor({ high, low }: OrderKeys) {
    this.#high = high;
    this.#low = low;
    this.#indexes = new Uint32Array(high.length);
    for (let index = 0; index < high.length; index++) this.#indexes[index] = index;
  }

  sorted(): Uint32Array {
    const { length } = this.#indexes;
    if (length < 2) return this.#indexes;
    this.#quicksort(0, length, 2 * (31 - Math.clz32(length)));
    for (let at = 1; at < Math.min(length, insertedMax); at++) this.#insert(at, 0);
    for (let at = insertedMax; at < length; at++) this.#insert(at, -1);
    return this.#indexes;
  }

  /** Whether the first element comes before the second for certain. */
  #before(first: number, second: number): boolean {
    const a = this.#high[first]!;
    const b = this.#high[second]!;
    if (a !== b) return a < b;
    return this.#low !== null && this.#low[first]! < this.#low[second]!;
  }

  #swap(a: number, b: number): void {
    const indexes = this.#indexes;
    const index = indexes[a]!;
    indexes[a] = indexes[b]!;
    indexes[b] = index;
  }

  /** @param end Behind the last one. @param depthMax Splits that may follow one another. */
  #quicksort(start: number, end: number, depthMax: number): void {
    let last = end;
    for (let depth = depthMax; last - start > insertedMax; depth--) {
      if (depth === 0) {
        this.#heapsort(start, last);
        return;
      }
      const middle = start + ((last - start) >>> 1);
      this.#medianTo(start, start + 1, middle, last - 1);
      const cut = this.#partition(start, last);
      this.#quicksort(cut, last, depth - 1);
      last = cut;
    }
  }

  /** Puts the median of the elements at a, b and c where `target` is. */
  #medianTo(target: number, a: number, b: number, c: number): void {
    const indexes = this.#indexes;
    const [x, y, z] = [indexes[a]!, indexes[b]!, indexes[c]!];
    let median = b;
    if (this.#before(x, y)) {
      if (!this.#before(y, z)) median = this.#before(x, z) ? c : a;
    } else if (this.#before(x, z)) median = a;
    else if (this.#before(y, z)) median = c;
    this.#swap(target, median);
  }

  /** Splits around the element at `start`, which stays. @returns where the second part begins */
  #partition(start: number, end: number): number {
    const indexes = this.#indexes;
    const pivot = indexes[start]!;
    let left = start + 1;
    let right = end;
    for (;;) {
      while (this.#before(indexes[left]!, pivot)) left++;
      right--;
      while (this.#before(pivot, indexes[right]!)) right--;
      if (left >= right) return left;
      this.#swap(left, right);
      left++;
    }
  }

  /** Moves the element at `at` before those that it precedes. @param first The foremost place; looked at first, -1 not to. */
  #insert(at: number, first: number): void {
    const indexes = this.#indexes;
    const index = indexes[at]!;
    if (first >= 0 && this.#before(index, indexes[first]!)) {
      indexes.copyWithin(first + 1, first, at);
      indexes[first] = index;
      return;
    }
    let place = at;
    while (this.#before(index, indexes[place - 1]!)) {
      indexes[place] = indexes[place - 1]!;
      place--;
    }
    indexes[place] = index;
  }

  #heapsort(start: number, end: number): void {
    const indexes = this.#indexes;
    const length = end - start;
    for (let parent = (length - 2) >> 1; parent >= 0; parent--) {
      this.#sift(start, parent, length, indexes[start + parent]!);
    }
    for (let last = end - 1; last > start; last--) {
      const index = indexes[last]!;
      indexes[last] = indexes[start]!;
      this.#sift(start, 0, last - start, index);
    }
  }

  /** Lets the gap at `gap` sink to the end of the heap, and the element rise from there to its place. */
  #sift(start: number, gap: number, length: number, index: number): void {
    const indexes = this.#indexes;
    let hole = gap;
    let child = gap;
    while (child < (length - 1) >> 1) {
      child = 2 * (child + 1);
      if (this.#before(indexes[start + child]!, indexes[start + child - 1]!)) child--;
      indexes[start + hole] = indexes[start + child]!;
      hole = child;
    }
    if (length % 2 === 0 && child === (length - 2) >> 1) {
      child = 2 * child + 1;
      indexes[start + hole] = indexes[start + child]!;
      hole = child;
    }
    for (let parent = (hole - 1) >> 1; hole > gap; parent = (hole - 1) >> 1) {
      if (!this.#before(indexes[start + parent]!, index)) break;
      indexes[start + hole] = indexes[start + parent]!;
      hole = parent;
    }
    indexes[start + hole] = index;
  }
}
