/** Hears that a request is to be ended, if that is possible. */
export interface CancellationAsked {
  asked(): void;
}

/**
 * Tells the parts that work on a request that nobody waits for the answer any more: the client has
 * gone, its deadline has passed, or it cancelled. One owner (the front end) cancels; others look or listen.
 */
export class Cancellation {
  #cancelled = false;
  #listeners: (() => void)[] | null = null;
  #asked: CancellationAsked | null = null;

  get cancelled(): boolean {
    return this.#cancelled;
  }

  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    const listeners = this.#listeners;
    this.#listeners = null;
    if (listeners !== null) for (const listener of listeners) listener();
  }

  /**
   * Asks the model that executes the request to end it, which it may leave: its answers are still taken. A request
   * that no model executes is cancelled.
   */
  ask(): void {
    if (this.#asked === null) this.cancel();
    else if (!this.#cancelled) this.#asked.asked();
  }

  /** What hears `ask` from now on: who executes the request; null when nobody does. */
  setAsked(listener: CancellationAsked | null): void {
    this.#asked = listener;
  }

  /** Calls `listener` once when cancelled: at once if that already happened. */
  onCancel(listener: () => void): void {
    if (this.#cancelled) {
      listener();
      return;
    }
    this.#listeners ??= [];
    this.#listeners.push(listener);
  }

  /** Takes a listener back, for work that ended before any cancellation. */
  offCancel(listener: () => void): void {
    const index = this.#listeners?.indexOf(listener) ?? -1;
    if (index >= 0) this.#listeners?.splice(index, 1);
  }
}
