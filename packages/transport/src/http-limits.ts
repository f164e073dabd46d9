/** Bounds of everything that a client can make the server hold or wait for. */
export interface HttpLimits {
  /** Request line and header fields together, as received, with separators. More: 431. */
  readonly headerBytesMax: number;
  /** Header fields of one request. More: 431. */
  readonly headerCountMax: number;
  /** Request target. More: 414. */
  readonly targetBytesMax: number;
  /** Request body, as received; a handler's plan may set another. More: 413. */
  readonly bodyBytesMax: number;
  /** Non-empty chunks of a chunked body. More: 400. */
  readonly chunkCountMax: number;
  /** Extensions of all chunks of one body together. More: 413, as Node answers. */
  readonly chunkExtensionBytesMax: number;
  /** Trailer section of a chunked body. More: 431. */
  readonly trailerBytesMax: number;
  /** Connections open at the same time. Further ones are answered 503 and closed. */
  readonly connectionsMax: number;
  /** Bytes held of requests that a client pipelines behind the one being answered; then reading pauses. */
  readonly pipelineBytesMax: number;
  /** Between two requests, and from the connection to its first byte. */
  readonly idleTimeoutMs: number;
  /** From the first byte of a request to the end of its header. Later: 408. */
  readonly headerTimeoutMs: number;
  /** Longest pause between two pieces of a body. Longer: 408. */
  readonly bodyTimeoutMs: number;
  /** Average pace that a body must keep, once it has taken `bodyTimeoutMs`. Slower: 408. */
  readonly bodyBytesPerSecondMin: number;
  /** Longest time without progress while a response waits for its reader. */
  readonly writeTimeoutMs: number;
  /** Bytes of a streamed response that may wait for its reader; beyond, the connection is cut. */
  readonly writeBufferBytesMax: number;
  /** After a refusal: how long the client may take to read the answer and close. */
  readonly lingerTimeoutMs: number;
  /** After a refusal: bytes that are read and thrown away, so that no reset overtakes the answer. */
  readonly lingerBytesMax: number;
}

/** What holds where the options say nothing. */
export const httpLimitDefaults: HttpLimits = {
  headerBytesMax: 16 * 1024,
  headerCountMax: 128,
  targetBytesMax: 8 * 1024,
  bodyBytesMax: 64 * 1024 * 1024,
  chunkCountMax: 65_536,
  chunkExtensionBytesMax: 16 * 1024,
  trailerBytesMax: 16 * 1024,
  connectionsMax: 10_000,
  pipelineBytesMax: 64 * 1024,
  idleTimeoutMs: 75_000,
  headerTimeoutMs: 20_000,
  bodyTimeoutMs: 30_000,
  // A thousandth of what a slow telephone sends.
  bodyBytesPerSecondMin: 1024,
  writeTimeoutMs: 30_000,
  writeBufferBytesMax: 16 * 1024 * 1024,
  lingerTimeoutMs: 2_000,
  lingerBytesMax: 16 * 1024 * 1024,
};

/**
 * Fills in the defaults.
 *
 * @throws RangeError when a limit is not a positive whole number.
 */
export function compileHttpLimits(limits: Partial<HttpLimits>): HttpLimits {
  const compiled: HttpLimits = { ...httpLimitDefaults, ...limits };
  for (const [name, value] of Object.entries(compiled)) {
    if (!Number.isSafeInteger(value) || value <= 0) {
      throw new RangeError(`${name} must be a positive whole number, not ${value}`);
    }
  }
  return compiled;
}
