/** Why a connection is answered with an error and closed. */
export interface HttpFailure {
  readonly status: number;
  /** Goes out as `{"error": text}`. */
  readonly text: string;
}

/** RFC 9112 leaves the text to us; statuses are those of RFC 9110 and 6585. */
export function failure(status: number, text: string): HttpFailure {
  return { status, text };
}

export const badRequest = (what: string): HttpFailure => failure(400, `malformed request: ${what}`);
