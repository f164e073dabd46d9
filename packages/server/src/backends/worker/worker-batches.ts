import type { OpenRequest } from './open-request.ts';

/** Requests that the worker executes together. */
export interface Batch {
  readonly requests: readonly OpenRequest[];
  /** The instance is free of it: `execute` has returned, or the worker is gone. */
  readonly finished: () => void;
}

/** The batches that a worker was sent, in their order: it runs the first, the others wait for that one. */
export class WorkerBatches {
  readonly #batches = new Map<number, Batch>();

  /** @returns whether it runs at once. */
  add(number: number, batch: Batch, nowNs: number): boolean {
    this.#batches.set(number, batch);
    if (this.#batches.size > 1) return false;
    begin(batch, nowNs);
    return true;
  }

  get(number: number): Batch | undefined {
    return this.#batches.get(number);
  }

  /** The first has ended: the one after it begins. */
  end(number: number, nowNs: number): void {
    this.#batches.delete(number);
    if (this.#batches.size === 0) return;
    for (const next of this.#batches.values()) {
      begin(next, nowNs);
      return;
    }
  }

  /** Takes all out: the one that runs, and those that have not begun. */
  takeAll(): { readonly running: Batch | null; readonly ahead: readonly Batch[] } {
    const [running = null, ...ahead] = this.#batches.values();
    this.#batches.clear();
    return { running, ahead };
  }
}

function begin({ requests }: Batch, nowNs: number): void {
  for (const request of requests) request.begin(nowNs);
}
