/** A one-shot timer that can be called off. */
export interface TransportTimer {
  cancel(): void;
}

/** Time as servers need it; passed in so that tests can move it by hand. */
export interface TransportClock {
  /** Monotonic nanoseconds since an arbitrary start. */
  nowNs(): number;
  /** Calls `callback` once, after at least `delayMs` milliseconds. */
  setTimer(delayMs: number, callback: () => void): TransportTimer;
}

/** The machine's own timers. They do not keep the process alive: open sockets do. */
export const systemClock: TransportClock = {
  nowNs: () => performance.now() * 1e6,
  setTimer(delayMs, callback) {
    const handle = setTimeout(callback, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
