/** What pipes hold is read in a few turns; another process may write on without an end. */
const turnsMax = 64;

/**
 * Calls back when all has been read that lay in pipes when this was called: after a turn of the event loop that
 * brought nothing more, however long turns take. The ends of the pipes have come by then too, unless another process
 * holds them open, which may be for good.
 *
 * @param bytesRead of all the pipes together, from their beginning on
 */
export function afterQuietTurn(bytesRead: () => number, quiet: () => void): void {
  let bytesBefore = -1;
  let turns = 0;
  const turn = (): void => {
    const bytes = bytesRead();
    turns += 1;
    if (bytes === bytesBefore || turns > turnsMax) {
      quiet();
      return;
    }
    bytesBefore = bytes;
    setImmediate(turn);
  };
  setImmediate(turn);
}
