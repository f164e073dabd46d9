import type { EncodedField } from '../hpack/hpack-encoder.ts';
import type { SharedBlock } from '../http2/http2-stream.ts';

/** A header or trailers: fields, or one of those that every answer repeats. */
export type AnswerBlock = SharedBlock | readonly EncodedField[];

/** What a call needs of the stream that carries it: HTTP/2's own, or gRPC-Web on any HTTP. */
export interface CallStream {
  readonly remoteAddress: string;
  readonly owner: {
    readonly nowMs: number;
    isOver(sinceMs: number, limitMs: number): boolean;
  };
  /** Told when everything written has left. */
  readonly reader: { drained(): void } | null;
  /** Written but not on its way. */
  readonly heldBytes: number;
  /** What holding it costs. */
  readonly heldCostBytes: number;
  header(block: AnswerBlock, end: boolean): void;
  /** @returns Whether everything has left. */
  write(parts: readonly Uint8Array[], end: AnswerBlock | null): boolean;
  /** As `Http2Stream.left`; absent where nobody can tell. */
  left?: (() => void) | null;
  /** The call has done with so many bytes of the client. */
  consumed(byteLength: number): void;
  reset(code?: number): void;
}
