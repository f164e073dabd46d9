import type { ResponseBody } from '../http-handler.ts';

/** Where responders put what they send: the protocol object of their connection. */
export interface ResponseSink {
  /** Sends a whole response; `head` lacks framing and the blank line. `left` as in `HttpResponder.send`. */
  sendWhole(status: number, head: string, body: ResponseBody, left: (() => void) | null): void;
  /** Starts a streamed response and returns whether its pieces are to be sent in chunks. */
  startStream(status: number, head: string): StreamFraming;
  writePiece(pieces: readonly Uint8Array[]): boolean;
  /** Resolves when there is room, or when the connection is gone. */
  whenDrained(): Promise<void>;
  endStream(last: Uint8Array | null): void;
  abortStream(): void;
}

/** How the pieces of a stream go out: HTTP/1.0 knows no chunks, HEAD gets no body. */
export type StreamFraming = 'chunks' | 'raw' | 'nothing';
