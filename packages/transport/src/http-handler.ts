/** Name and value. */
export type HeaderField = readonly [name: string, value: string];

/** What a response may carry: text goes out as UTF-8. */
export type ResponseBody = Uint8Array | string | readonly Uint8Array[] | null;

/** One request, valid as long as somebody holds it. */
export interface HttpRequest {
  /** As sent, for example `POST`. */
  readonly method: string;
  /** As sent, for example `/v2/models?x=1`. ASCII. */
  readonly target: string;
  /** The target up to its `?` or `#`, without scheme and authority; not percent-decoded. */
  readonly path: string;
  /** What follows the first `?`, without a fragment; empty where there is none. */
  readonly query: string;
  readonly httpVersion: '1.0' | '1.1' | '2';
  /** First value of a header, each byte a character (ISO 8859-1), or null. Its name in lower case. */
  header(lowerCaseName: string): string | null;
  /** Names as sent. A name sent twice comes twice. */
  headers(): IterableIterator<[name: string, value: string]>;
  readonly remoteAddress: string;
  /** For the handler: what its `head` leaves for its `handle`, such as a time. 0 or absent until it does. */
  headNs?: number;
  /**
   * Complete when `handle` is called, empty in `head`. Does not move in memory, and is not reused
   * unless `releaseBody` was called.
   */
  readonly body: Uint8Array;
  /**
   * Says, before the response is sent, that nothing but the response refers to the body: no view of
   * it is kept, and no thread reads it. Once the whole response is with the kernel the memory may hold
   * another request's body. `body` is empty from here on. Never required, may be called twice, and
   * does nothing after the client has gone. Missing where bodies are never used again.
   */
  releaseBody?(): void;
  /** True once the client has gone before its response was finished. */
  readonly aborted: boolean;
  /** Calls `callback` when the client goes before its response is finished; at once if it has gone. */
  onAborted(callback: () => void): void;
  /** The same as an AbortSignal, made when first asked for. */
  readonly signal: AbortSignal;
}

/** What is said of a request that the transport answers by itself. */
export interface RefusalText {
  readonly headers: readonly HeaderField[];
  /** ASCII. */
  readonly body: string;
}

/** How a handler wants a body, decided by the header alone. */
export interface BodyPlan {
  /** Replaces the server's limit. */
  readonly bodyBytesMax?: number;
  /** The byte of the body that must lie at a multiple of 64 in memory. */
  readonly alignedOffset?: number;
  /** Answers at once; the body is not read, and the connection closes if there is one. */
  readonly reject?: {
    readonly status: number;
    readonly headers: readonly HeaderField[];
    readonly body: ResponseBody;
  };
}

/** Answers requests, wherever they come from. */
export interface HttpHandler {
  /** Called when the header is read: before any byte of the body, and before `100 Continue`. */
  head?(request: HttpRequest): BodyPlan | null;
  /** Called when the body is complete. What it throws is answered with 500. */
  handle(request: HttpRequest, responder: HttpResponder): void;
  /**
   * Words what the transport answers by itself, as to a body that is too large, a client that is too slow, a
   * header that cannot be read, a handler that has thrown. Without it that is `{"error": text}`. Must not wait.
   *
   * @param request As far as its header was read; null where nothing was.
   */
  refusal?(request: HttpRequest | null, status: number, text: string): RefusalText;
}

/** `{"error": text}`. */
export function plainRefusal(text: string): RefusalText {
  return { headers: [['Content-Type', 'application/json']], body: JSON.stringify({ error: text }) };
}

/** What a handler says of a request that is refused. */
export function wordedRefusal(
  handler: HttpHandler,
  request: HttpRequest | null,
  status: number,
  text: string,
): RefusalText {
  return handler.refusal?.(request, status, text) ?? plainRefusal(text);
}

/** The same, in plain words where the handler fails. */
export function refusalOf(
  handler: HttpHandler,
  request: HttpRequest | null,
  status: number,
  text: string,
  failed: (error: unknown) => void,
): RefusalText {
  try {
    return wordedRefusal(handler, request, status, text);
  } catch (error) {
    failed(error);
    return plainRefusal(text);
  }
}

/** Answers one request, once, at any time. After the client has gone, what is sent is dropped. */
export interface HttpResponder {
  /** True once `send` or `stream` was called. */
  readonly sent: boolean;
  /**
   * Sends a whole response. Adds Content-Length, and Connection where it is needed: `headers` must
   * hold neither, nor Transfer-Encoding. A HEAD request gets no body. The bytes of `body` must not
   * change until they are on the way, so never.
   *
   * @param left Called once the kernel has the whole response, so that nothing reads the bytes of
   *   `body` any more; never where that is not known, as when the client has gone or the connection
   *   closes. Nothing may depend on it but that memory is used again.
   * @throws Error when something was sent before, or a header holds what none may.
   */
  send(
    status: number,
    headers: readonly HeaderField[],
    body: ResponseBody,
    left?: (() => void) | null,
  ): void;
  /** Starts a response whose length is not known. Errors as `send`. */
  stream(status: number, headers: readonly HeaderField[]): HttpStream;
}

/** A response being sent piece by piece. */
export interface HttpStream {
  /** False when the reader is behind: wait for `drained` before the next piece. */
  write(chunk: Uint8Array | string): boolean;
  /** Resolves when there is room, or when the connection is gone. */
  drained(): Promise<void>;
  /** Completes the response. */
  end(): void;
  /** Cuts the connection (over HTTP/2 the stream), so that the client sees that the response is incomplete. */
  abort(): void;
}
