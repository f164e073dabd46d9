/** A one-shot timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/**
 * Time, passed in so that tests can move it by hand. Durations and deadlines come from `nowNs`,
 * which is monotonic; only what people and clients read as a date comes from `wallMs`.
 */
export interface Clock {
  /** Monotonic nanoseconds since an arbitrary start. A double keeps whole nanoseconds for 104 days. */
  nowNs(): number;
  /** Milliseconds since the Unix epoch. May jump. */
  wallMs(): number;
  /** Calls `callback` once, after at least `delayMs` milliseconds. Does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

/** The machine's own clocks. */
export const systemClock: Clock = {
  nowNs: () => performance.now() * 1e6,
  wallMs: () => Date.now(),
  setTimer(delayMs, callback) {
    const handle = setTimeout(callback, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
