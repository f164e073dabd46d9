/** The request that another one is made for, as a step of it. Everything here is optional to heed but the durations. */
export interface ParentRequest {
  /** Adds what an execution of the step took; called for those that succeeded. Nanoseconds. */
  addDurations(computeInputNs: number, computeInferNs: number, computeOutputNs: number): void;
  /** Nobody else reads the step's inputs, or will: its model may write to them. */
  readonly ownsInputs: boolean;
  /** True where `congested` may become true. */
  readonly paces: boolean;
  /** True while further answers of the step would only pile up: who makes many should wait. */
  readonly congested: boolean;
  /** Calls back once when that is over, or when the request has ended. Only while `congested`. */
  whenRelieved(listener: () => void): void;
}
