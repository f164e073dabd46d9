/** One request, as any way to send HTTP takes it. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** From the root, escaped, with its query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Pieces that are sent one after the other; none without a body. */
  readonly body: readonly Uint8Array[];
  readonly signal: AbortSignal | null;
  readonly timeoutMs: number | null;
}

/** An answer that is there as a whole. */
export interface HttpAnswer {
  readonly status: number;
  header(name: string): string | null;
  /** Decompressed. After a binary inference its tensors lie at multiples of eight, where that is possible. */
  readonly body: Uint8Array;
}

/** An answer whose body is still coming. */
export interface HttpStreamAnswer {
  readonly status: number;
  header(name: string): string | null;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Sends requests to one server. Both methods reject with an InferenceError: CANCELLED by the signal,
 * DEADLINE_EXCEEDED after the time, UNAVAILABLE without an answer.
 */
export interface HttpTransport {
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** `timeoutMs` counts until the answer's header. */
  open(request: HttpRequest): Promise<HttpStreamAnswer>;
  close(): void;
}
