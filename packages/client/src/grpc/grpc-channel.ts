import type { CallOptions, Compression } from '../infer-request.ts';

/** Finds where tensors begin in a message whose first bytes are given; null where there are none to be seen. */
export type DataOffset = (firstBytes: Uint8Array) => number | null;

/** One call, as any way to carry gRPC takes it. */
export interface GrpcCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** In lower case. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly signal: CallOptions['signal'] | null;
  readonly timeoutMs: number | null;
  /** Of the messages that are sent. */
  readonly compression: Compression | null;
  /** Lets the tensors of answers lie well aligned, so that they need no copy. */
  readonly dataOffset?: DataOffset | null;
}

/** A call with any number of messages both ways. */
export interface GrpcStream {
  /** Sends a message. Resolves when there is room for more. */
  send(message: readonly Uint8Array[]): Promise<void>;
  /** Nothing more is sent. */
  end(): void;
  cancel(): void;
  /** Messages as they come; throws what the call ended with when that is no success. */
  readonly messages: AsyncIterable<Uint8Array>;
}

/** Carries calls to one server. Rejects with an InferenceError when a call has no success. */
export interface GrpcChannel {
  unary(call: GrpcCall, message: readonly Uint8Array[]): Promise<Uint8Array>;
  open(call: GrpcCall): GrpcStream;
  close(): Promise<void>;
}
