/** Locks on keys, taken several at a time: all of them or none. */
export class KeyLocks {
  readonly #locked = new Set<string>();
  #waiting: (() => void)[] = [];

  /** @returns false when one of them is taken; none is taken then. */
  tryLock(keys: Iterable<string>): boolean {
    const wanted = [...keys];
    if (wanted.some((key) => this.#locked.has(key))) return false;
    for (const key of wanted) this.#locked.add(key);
    return true;
  }

  /** A key that is not locked is let alone. */
  unlock(keys: Iterable<string>): void {
    for (const key of keys) this.#locked.delete(key);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves when something was unlocked. */
  unlocked(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
