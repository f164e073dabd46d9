/** Bounds of everything that a client can make an HTTP/2 connection hold or do. */
export interface Http2Limits {
  /** Streams open at the same time (SETTINGS_MAX_CONCURRENT_STREAMS). More: REFUSED_STREAM. */
  readonly streamsMax: number;
  /** Names and values of one header and 32 more a field (SETTINGS_MAX_HEADER_LIST_SIZE). More: 431. */
  readonly headerListBytesMax: number;
  /** One header as sent, CONTINUATION included. More: ENHANCE_YOUR_CALM. */
  readonly headerBlockBytesMax: number;
  /** CONTINUATION frames of one header. More: ENHANCE_YOUR_CALM. */
  readonly continuationsMax: number;
  /** The table that the client's encoder fills (SETTINGS_HEADER_TABLE_SIZE). */
  readonly headerTableBytesMax: number;
  /** Payload of one frame, 16384 to 16777215 (SETTINGS_MAX_FRAME_SIZE). More: FRAME_SIZE_ERROR. */
  readonly frameBytesMax: number;
  /**
   * The same once a message has turned out to be large: the peer is told then, and its next large
   * messages are read with few frames, straight to their place. At least `frameBytesMax`.
   */
  readonly largeFrameBytesMax: number;
  /** Streams that the client cancels or breaks in a second. More: ENHANCE_YOUR_CALM. */
  readonly resetsPerSecondMax: number;
  /**
   * Frames in a second that are neither HEADERS nor DATA, beyond two for each of these that goes
   * either way. More: ENHANCE_YOUR_CALM.
   */
  readonly controlFramesPerSecondMax: number;
  /** DATA frames of one stream that carry nothing. More: ENHANCE_YOUR_CALM. */
  readonly emptyDataFramesMax: number;
  /** Bytes of one stream that wait for their handler; the client may not send more. */
  readonly streamWindowBytes: number;
  /** Bytes of all streams of a connection that wait for their handlers. */
  readonly connectionWindowBytes: number;
  /**
   * Bytes of requests that are not complete, all streams of a connection together; one alone may
   * exceed it, up to the limits of bodies and messages. More: ENHANCE_YOUR_CALM for a stream.
   */
  readonly requestBytesMax: number;
  /** A connection without streams for so long ends with GOAWAY. */
  readonly idleTimeoutMs: number;
  /** At the end of a connection: for the client to answer the first GOAWAY before the second follows. */
  readonly drainTimeoutMs: number;
}

/** What holds where the options say nothing. */
export const http2LimitDefaults: Http2Limits = {
  streamsMax: 1024,
  headerListBytesMax: 16 * 1024,
  headerBlockBytesMax: 64 * 1024,
  continuationsMax: 16,
  headerTableBytesMax: 4096,
  frameBytesMax: 16_384,
  largeFrameBytesMax: 1024 * 1024,
  resetsPerSecondMax: 2000,
  controlFramesPerSecondMax: 10_000,
  emptyDataFramesMax: 100,
  streamWindowBytes: 8 * 1024 * 1024,
  connectionWindowBytes: 32 * 1024 * 1024,
  requestBytesMax: 1024 * 1024 * 1024,
  idleTimeoutMs: 3_600_000,
  drainTimeoutMs: 1000,
};

const frameBytesLeast = 16_384;
const frameBytesMost = 2 ** 24 - 1;
const windowBytesMost = 2 ** 31 - 1;

/**
 * Fills in the defaults.
 *
 * @throws RangeError when a limit is no positive whole number, or none that RFC 9113 allows.
 */
export function compileHttp2Limits(limits: Partial<Http2Limits>): Http2Limits {
  const compiled: Http2Limits = { ...http2LimitDefaults, ...limits };
  for (const [name, value] of Object.entries(compiled)) {
    if (!Number.isSafeInteger(value) || value <= 0) {
      throw new RangeError(`${name} must be a positive whole number, not ${value}`);
    }
  }
  const { frameBytesMax, largeFrameBytesMax, streamWindowBytes, connectionWindowBytes } = compiled;
  if (frameBytesMax < frameBytesLeast || frameBytesMax > frameBytesMost) {
    throw new RangeError(`frameBytesMax must be ${frameBytesLeast} to ${frameBytesMost}`);
  }
  if (largeFrameBytesMax < frameBytesMax || largeFrameBytesMax > frameBytesMost) {
    throw new RangeError(`largeFrameBytesMax must be frameBytesMax to ${frameBytesMost}`);
  }
  if (streamWindowBytes > windowBytesMost || connectionWindowBytes > windowBytesMost) {
    throw new RangeError(`windows may not exceed ${windowBytesMost} bytes`);
  }
  return compiled;
}
