/** What is asked of the pace of a request body. */
export interface BodyPaceLimits {
  /** Longest pause between two pieces. */
  readonly bodyTimeoutMs: number;
  /** On average, `bodyTimeoutMs` after its first byte at the earliest. */
  readonly bodyBytesPerSecondMin: number;
}

/**
 * Whether a body comes too slowly to go on waiting: a byte now and then would hold its connection and
 * its memory for as long as the client likes.
 *
 * @param timer Coarse time, and whether more has passed since a moment of it.
 * @param startMs When the body began.
 * @param lastMs When the last of it came.
 * @param receivedBytes So much has come.
 */
export function bodyIsTooSlow(
  timer: { isOver(sinceMs: number, limitMs: number): boolean },
  limits: BodyPaceLimits,
  startMs: number,
  lastMs: number,
  receivedBytes: number,
): boolean {
  const { bodyTimeoutMs, bodyBytesPerSecondMin } = limits;
  if (timer.isOver(lastMs, bodyTimeoutMs)) return true;
  return timer.isOver(startMs, bodyTimeoutMs + (receivedBytes * 1000) / bodyBytesPerSecondMin);
}
