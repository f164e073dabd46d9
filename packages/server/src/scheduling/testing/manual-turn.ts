import type { Turn } from '../turn.ts';

/** Turns that end when the test says so. */
export class ManualTurn implements Turn {
  #callbacks: (() => void)[] = [];

  atEnd(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  /** Somebody waits for the turn to end. */
  get awaited(): boolean {
    return this.#callbacks.length > 0;
  }

  end(): void {
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    for (const callback of callbacks) callback();
  }
}
