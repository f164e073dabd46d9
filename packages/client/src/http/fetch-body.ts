import type { RequestLimits } from './request-limits.ts';

/** `fetch` streams no bodies everywhere, so it gets one piece. */
export function joinedPieces(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const total = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const whole = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

/**
 * The body of an answer as it comes. Whoever stops reading ends the request. Ends `limits`; throws what
 * these say about a failure.
 */
export async function* bodyPieces(
  response: Response,
  limits: RequestLimits,
  origin: string,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const piece = await reader?.read();
      if (piece === undefined || piece.done) return;
      yield piece.value;
    }
  } catch (error) {
    throw limits.errorOf(error, origin);
  } finally {
    await reader?.cancel().catch(() => {});
    limits.end();
  }
}
