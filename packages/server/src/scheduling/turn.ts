/**
 * One turn of the event loop: it reads every socket that has something to read, and then comes to its
 * end. Passed in so that tests end turns by hand.
 */
export interface Turn {
  /** Calls back once when this turn ends; while it ends, when the next one does. */
  atEnd(callback: () => void): void;
}

/** The event loop's own turns: `setImmediate` comes right after the sockets of one poll. */
export const systemTurn: Turn = {
  atEnd: (callback) => {
    setImmediate(callback);
  },
};
