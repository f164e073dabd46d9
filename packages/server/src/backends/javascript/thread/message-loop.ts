import type { MessageReceiver } from '../link/link-end.ts';

/**
 * How long the thread waits for the next batch before it goes back to its event loop. A batch that comes
 * meanwhile is taken up for half of what it costs to wake an event loop.
 */
const lingerMs = 2;
/** While batches come one after the other, timers and sockets of the model are looked at this often. */
const turnMs = 2;

/** Hands out what the server says, and decides how the thread waits for more. */
export class MessageLoop {
  readonly #end: MessageReceiver;
  /** Batches whose results the model has yet to give. */
  #openBatches = 0;
  /** A batch is through, so another may follow at once. */
  #lingers = false;
  #serving = false;
  #planned = false;

  constructor(end: MessageReceiver) {
    this.#end = end;
  }

  /** The port has said something. */
  woken(message: unknown): void {
    this.#end.fromPort(message);
    this.#serve();
  }

  /** The model was given a batch. */
  batchBegun(): void {
    this.#openBatches++;
  }

  /** The model is through with one. */
  batchEnded(): void {
    this.#openBatches--;
    if (this.#openBatches > 0) return;
    this.#lingers = true;
    // What else the model has to do at once comes first.
    if (!this.#serving) this.#plan();
  }

  #serve(): void {
    const startMs = performance.now();
    this.#serving = true;
    for (;;) {
      this.#end.drain();
      if (this.#lingers && this.#openBatches === 0) {
        if (performance.now() - startMs >= turnMs) {
          this.#plan();
          break;
        }
        this.#lingers = false;
        if (this.#end.waitFor(lingerMs)) continue;
      }
      if (this.#end.rest()) break;
    }
    this.#serving = false;
  }

  /** Goes on after a turn of the event loop. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.#end.atWork();
      this.#serve();
    });
  }
}
