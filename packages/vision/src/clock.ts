/** Time, passed in so that tests need not wait. */
export interface Clock {
  /** A time that only goes forward. */
  nowNs(): number;
  /** Calls back once, after this long. */
  setTimer(delayMs: number, callback: () => void): { cancel(): void };
}

/** The real time. */
export const systemClock: Clock = {
  nowNs: () => performance.now() * 1e6,
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
