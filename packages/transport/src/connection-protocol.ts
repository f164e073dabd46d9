import type { HttpLimits } from './http-limits.ts';

/**
 * What is spoken on a connection, from its first byte on. It may call the connection at any time
 * until `closed`; every method of it returns without throwing.
 */
export interface ConnectionProtocol {
  /** Bytes from the client. They are never reused: views on them may be kept. */
  read(bytes: Buffer): void;
  /** Where the next bytes belong, if that is known: they are read there without a copy. */
  readTarget(): Buffer | null;
  /** So many bytes have come to the start of what `readTarget` returned last. */
  readInPlace(byteLength: number): void;
  /** The client will send nothing more. */
  readEnd(): void;
  /** Everything written is on its way: there is room again after a `write` that returned false. */
  drained(): void;
  /** The connection is gone, whoever closed it. Called once. */
  closed(): void;
  /** Called every so often to look for timeouts. */
  sweep(): void;
  /** The server stops: finish what is in flight, then close. */
  shutdown(): void;
}

/** What a protocol may do with its connection. Nothing of it throws, whatever has become of the socket. */
export interface ProtocolConnection {
  readonly limits: HttpLimits;
  /** The listener's coarse time. */
  readonly nowMs: number;
  readonly remoteAddress: string;
  /** False while something written waits for the client to read. */
  readonly isDrained: boolean;
  /** Bytes written that the kernel has not taken yet. */
  readonly unsentBytes: number;
  /** Whether `limitMs` has passed since `sinceMs`, in the coarse time. */
  isOver(sinceMs: number, limitMs: number): boolean;
  /** Sends text, each character a byte. @returns Whether there is room for more. */
  writeText(text: string): boolean;
  /** Sends bytes, which must not change any more. @returns Whether there is room for more. */
  write(bytes: Uint8Array): boolean;
  /** As `write`, with few system calls and, for large parts, no copies. */
  writeAll(parts: readonly Uint8Array[]): boolean;
  /** Sends no more than is written; reads on only so that the client gets to see it. */
  end(): void;
  /** Closes at once; what the kernel has not taken is lost. */
  destroy(): void;
  /** Stops reading, so that the client has to wait. */
  pause(): void;
  resume(): void;
}

/** Makes the protocol object of one connection. */
export type ProtocolFactory = (connection: ProtocolConnection) => ConnectionProtocol;

/** Protocols that share a port; null where one is not served. */
export interface ProtocolSet {
  readonly http1: ProtocolFactory;
  readonly http2: ProtocolFactory | null;
}
