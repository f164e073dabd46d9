import type { Turn } from '../turn.ts';

/** Turns that end when the test says so. */
export class ManualTurn implements Turn {
  #callbacks: (() => void)[] = [];

  atEnd(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  end(): void {
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    for (const callback of callbacks) callback();
  }
}
