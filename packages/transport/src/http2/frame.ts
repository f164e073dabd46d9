/** RFC 9113 section 6. */
export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of the frames; the meaning of a bit depends on the type. */
export const FrameFlag = {
  /** DATA, HEADERS */
  endStream: 0x01,
  /** SETTINGS, PING */
  ack: 0x01,
  /** HEADERS, CONTINUATION */
  endHeaders: 0x04,
  /** DATA, HEADERS */
  padded: 0x08,
  /** HEADERS */
  priority: 0x20,
} as const;

/** RFC 9113 section 7. */
export const ErrorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  connectError: 10,
  enhanceYourCalm: 11,
  inadequateSecurity: 12,
  http11Required: 13,
} as const;

export const frameHeaderBytes = 9;

/** Windows may not exceed this: RFC 9113 section 6.9.1. */
export const windowBytesMax: number = 2 ** 31 - 1;

/** What a peer has that has not said otherwise. */
export const defaultWindowBytes = 65_535;
export const defaultFrameBytesMax = 16_384;

/** Ends the connection with GOAWAY. Thrown only while a frame is being read. */
export class Http2ConnectionError extends Error {
  override readonly name = 'Http2ConnectionError';
  /** One of `ErrorCode`. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export function readUint31(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! & 0x7f) << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  );
}
