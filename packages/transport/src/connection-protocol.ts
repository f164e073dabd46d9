import type { Connection } from './connection.ts';

/**
 * What is spoken on a connection, from its first byte on. It may call the connection at any time
 * until `closed`; every method of it returns without throwing.
 */
export interface ConnectionProtocol {
  /** Bytes from the client. They are never reused: views on them may be kept. */
  read(bytes: Buffer): void;
  /** The client will send nothing more. */
  readEnd(): void;
  /** Everything written is on its way: there is room again after a `write` that returned false. */
  drained(): void;
  /** The connection is gone, whoever closed it. Called once. */
  closed(): void;
  /** Called every so often to look for timeouts. `nowMs` is the listener's coarse time. */
  sweep(nowMs: number): void;
  /** The server stops: finish what is in flight, then close. */
  shutdown(): void;
}

/** Makes the protocol object of one connection. */
export type ProtocolFactory = (connection: Connection) => ConnectionProtocol;

/** Protocols that share a port; null where one is not served. */
export interface ProtocolSet {
  readonly http1: ProtocolFactory;
  readonly http2: ProtocolFactory | null;
}
