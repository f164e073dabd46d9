/** What the heap keeps in order; it writes `heapIndex`. */
export interface Deadlined {
  readonly deadlineNs: number;
  /** -1 while not in a heap. */
  heapIndex: number;
}

/** The next deadline first. Adding and removing any element takes logarithmic time. */
export class DeadlineHeap<T extends Deadlined> {
  readonly #items: T[] = [];

  /** The element whose deadline comes next. */
  get next(): T | null {
    return this.#items[0] ?? null;
  }

  add(item: T): void {
    this.#put(item, this.#items.length);
    this.#rise(item);
  }

  /** Does nothing for an element that is not in the heap. */
  remove(item: T): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.#items.pop() as T;
    if (last === item) return;
    this.#put(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(item: T): void {
    while (item.heapIndex > 0) {
      const index = item.heapIndex;
      const parentIndex = (index - 1) >> 1;
      const parent = this.#items[parentIndex] as T;
      if (parent.deadlineNs <= item.deadlineNs) return;
      this.#put(parent, index);
      this.#put(item, parentIndex);
    }
  }

  #sink(item: T): void {
    for (;;) {
      const index = item.heapIndex;
      const left = this.#items[2 * index + 1];
      const right = this.#items[2 * index + 2];
      const child =
        left !== undefined && right !== undefined && right.deadlineNs < left.deadlineNs
          ? right
          : left;
      if (child === undefined || child.deadlineNs >= item.deadlineNs) return;
      const childIndex = child.heapIndex;
      this.#put(child, index);
      this.#put(item, childIndex);
    }
  }

  #put(item: T, index: number): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }
}
