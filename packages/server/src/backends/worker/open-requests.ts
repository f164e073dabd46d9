import type { OpenRequest } from './open-request.ts';

/** A power of two, as are all sizes. */
const sizeMin = 64;

/**
 * The requests that a worker has, by their numbers, which are never given twice. An array and no `Map`: a map whose
 * entries come and go makes itself anew all the time, each time with a reference from the old table to the new.
 * Once one table has reached the old generation, all that came after it does, with every request that was ever in
 * it: scavenges took ten times as long.
 */
export class OpenRequests {
  #slots: (OpenRequest | null)[] = new Array(sizeMin).fill(null);
  #count = 0;
  #last = 0;

  /** A number for one more request. */
  nextNumber(): number {
    if (this.#count * 2 >= this.#slots.length) this.#grow();
    // One that stays open for long is in the way of a later number.
    do this.#last++;
    while (this.#slots[this.#slotOf(this.#last)] !== null);
    return this.#last;
  }

  /** @param request has the number that was given last */
  add(request: OpenRequest): void {
    this.#slots[this.#slotOf(request.number)] = request;
    this.#count++;
  }

  get(number: number): OpenRequest | undefined {
    const found = this.#slots[this.#slotOf(number)];
    return found?.number === number ? found : undefined;
  }

  delete(number: number): void {
    if (this.get(number) === undefined) return;
    this.#slots[this.#slotOf(number)] = null;
    this.#count--;
  }

  /** Those that are open now, in any order. */
  all(): readonly OpenRequest[] {
    return this.#slots.filter((request) => request !== null);
  }

  #slotOf(number: number): number {
    return number % this.#slots.length;
  }

  /** Those that are open keep places of their own: no two shared one before, and there are twice as many. */
  #grow(): void {
    const requests = this.all();
    this.#slots = new Array(this.#slots.length * 2).fill(null);
    for (const request of requests) this.#slots[this.#slotOf(request.number)] = request;
  }
}
