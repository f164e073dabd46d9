import type { OpenRequest } from './open-request.ts';

/** Requests that the worker executes together. */
export interface Batch {
  readonly number: number;
  readonly requests: readonly OpenRequest[];
  /** The instance is free of it: `execute` has returned, or the worker is gone. */
  finished: () => void;
}

/** The batches that a worker was sent, in their order: it runs the first, the others wait for that one. */
export class WorkerBatches {
  /** A handful, in their order. */
  readonly #batches: Batch[] = [];

  /** @returns whether it runs at once. */
  add(batch: Batch, nowNs: number): boolean {
    this.#batches.push(batch);
    if (this.#batches.length > 1) return false;
    begin(batch, nowNs);
    return true;
  }

  get(number: number): Batch | undefined {
    return this.#batches.find((batch) => batch.number === number);
  }

  /** The first has ended: the one after it begins. */
  end(ended: Batch, nowNs: number): void {
    this.#batches.splice(this.#batches.indexOf(ended), 1);
    const next = this.#batches[0];
    if (next !== undefined) begin(next, nowNs);
  }

  /** Takes all out: the one that runs, and those that have not begun. */
  takeAll(): { readonly running: Batch | null; readonly ahead: readonly Batch[] } {
    const [running = null, ...ahead] = this.#batches.splice(0);
    return { running, ahead };
  }
}

function begin({ requests }: Batch, nowNs: number): void {
  for (const request of requests) request.begin(nowNs);
}
