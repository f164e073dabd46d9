/** Trailing metadata: a name that ends in `-bin` has bytes, any other printable ASCII text. */
export type GrpcMetadataEntry = readonly [name: string, value: string | Uint8Array];

/** One RPC, valid as long as somebody holds it. */
export interface GrpcCall {
  /** `/package.Service/Method`, as sent. */
  readonly path: string;
  /** First value of a metadata entry, as sent (`-bin` still in base64), or null. Its name in lower case. */
  metadata(lowerCaseName: string): string | null;
  /**
   * Everything the client sent as metadata, in order, HTTP/2's and gRPC's own headers left out. What
   * ends in `-bin` comes as bytes, several values joined by commas one by one.
   */
  metadataEntries(): Iterable<GrpcMetadataEntry>;
  /**
   * When the client gives up, in nanoseconds of the server's `TransportClock` (`performance.now()` times
   * 10^6 where none is given), or null. The transport answers DEADLINE_EXCEEDED then, and cancels
   * the call.
   */
  readonly deadlineNs: number | null;
  /** True once nobody waits for the answer any more, and the call was not answered before. */
  readonly cancelled: boolean;
  /**
   * Calls `callback` once, when the client cancels or goes away, or the deadline passes, before the
   * call is answered; at once if that has happened.
   */
  onCancelled(callback: () => void): void;
  /** Address of the client. */
  readonly peer: string;
  /**
   * For a unary call, said before its answer is sent: nothing but the answer refers to the message, no view
   * of it is kept, and no thread reads it. Its memory may hold another message once the answer has
   * left. Never required; does nothing for other calls, and where that is not known.
   */
  releaseMessage?(): void;
}

/** Answers a unary call, once, at any time. What comes after the call was cancelled is dropped. */
export interface GrpcUnaryResponder {
  /** Adds initial metadata to the answer; to be called before it. */
  start(metadata: readonly GrpcMetadataEntry[]): void;
  /**
   * Compresses what is sent after it with this zlib level, if the client takes gzip or deflate; 0 ends
   * that. Without it, messages go out as they are.
   */
  compress(level: number): void;
  /**
   * Sends the one message of the answer, given in parts, and status OK. The bytes must not change
   * until they are on the way, so never.
   *
   * @param left Called once the kernel has the whole answer, so that nothing reads `parts` any more; never
   *   where that is not known. Nothing may depend on it but that memory is used again.
   * @throws Error when the call was answered before.
   */
  send(
    parts: readonly Uint8Array[],
    trailers?: readonly GrpcMetadataEntry[],
    left?: (() => void) | null,
  ): void;
  /**
   * Ends the call with a status of `GrpcStatus` but OK. `message` is any text.
   *
   * @throws Error when the call was answered before.
   */
  fail(status: number, message: string, trailers?: readonly GrpcMetadataEntry[]): void;
}

/** The answers of a streaming call. What comes after the call was cancelled is dropped. */
export interface GrpcStream {
  /**
   * Sends initial metadata now, rather than with the first message; at most once, before `write`.
   * Optional: the first `write` sends the header without any.
   */
  start(metadata: readonly GrpcMetadataEntry[]): void;
  /** As `GrpcUnaryResponder.compress`; to be called before `start` or the first `write` at first. */
  compress(level: number): void;
  /**
   * Sends one message, given in parts that must never change.
   *
   * @returns False when the client is behind: wait for `drained` before the next message. It is sent
   * all the same; beyond the limit of buffered bytes the call fails with RESOURCE_EXHAUSTED.
   * @throws Error when the stream has ended.
   */
  write(parts: readonly Uint8Array[]): boolean;
  /** Resolves when there is room, or when the call is over. */
  drained(): Promise<void>;
  /** Ends the call with status OK; further messages of the client are thrown away. */
  end(trailers?: readonly GrpcMetadataEntry[]): void;
  /** Ends the call with a status but OK, after the messages written before. */
  fail(status: number, message: string, trailers?: readonly GrpcMetadataEntry[]): void;
  /**
   * Stops handing over messages: the client may send as much as its flow-control window holds, no
   * more. What has arrived already waits; memory stays bounded.
   */
  pause(): void;
  /** Hands over messages again; one that waited comes inside this call. */
  resume(): void;
}

/** Takes the messages of a streaming call; made by `GrpcStreamMethod.open`. */
export interface GrpcStreamReader {
  /** One message, decompressed, in memory that neither moves nor is reused. */
  onMessage(message: Uint8Array): void;
  /** The client will send no more messages. */
  onHalfClose(): void;
}

/**
 * Gives the byte of a message that should lie at a multiple of 64 in memory, judged by its first bytes
 * (1024 of them at least, or all there are); null where it does not matter. Asked only for messages
 * that did not arrive in one piece, and may not throw.
 */
export type AlignedOffset = (firstBytes: Uint8Array, messageBytes: number) => number | null;

/** A method with one message each way. */
export interface GrpcUnaryMethod {
  readonly kind: 'unary';
  /**
   * Called with the complete message, decompressed, in memory that neither moves nor is reused.
   * What it throws is answered with INTERNAL.
   */
  handle(call: GrpcCall, message: Uint8Array, responder: GrpcUnaryResponder): void;
  /** Where the message should lie in memory. */
  readonly alignedOffset?: AlignedOffset;
}

/** A method with any number of messages in either direction. */
export interface GrpcStreamMethod {
  readonly kind: 'stream';
  /** Called when the header of the call is read. What it throws is answered with INTERNAL. */
  open(call: GrpcCall, stream: GrpcStream): GrpcStreamReader;
  /** Where messages should lie in memory. */
  readonly alignedOffset?: AlignedOffset;
}

export type GrpcMethod = GrpcUnaryMethod | GrpcStreamMethod;

/** Finds methods; asked for every call, so it should be a look-up. */
export interface GrpcHandler {
  /** @param path `/package.Service/Method` as sent. @returns Null answers UNIMPLEMENTED. */
  find(path: string): GrpcMethod | null;
}
