/** A batch that has run. */
export interface BatchRun {
  readonly size: number;
  readonly startNs: number;
  /** When what it computed was there; its answers need not be written. */
  readonly endNs: number;
  /** Batches that were run at the same time on the average, this one included. */
  readonly instances: number;
  /** It ran on the event loop, where nothing runs beside it. */
  readonly inline: boolean;
}
