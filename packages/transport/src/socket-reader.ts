import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** Where the bytes of a socket go. */
export interface SocketSink {
  /** Bytes that belong nowhere yet. They are never reused: views on them may be kept. */
  read(bytes: Buffer): void;
  /** Where the next bytes belong, so that they need no copy; null when nobody knows. */
  readTarget(): Buffer | null;
  /** So many bytes have come, and lie at the start of what `readTarget` returned last. */
  readInPlace(byteLength: number): void;
}

/** Keys of the members of a `net.Socket` that its documented option `onread` sets. */
interface ReadKeys {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

type HookedSocket = Socket &
  Record<symbol, unknown> & { _handle?: { useUserBuffer?(memory: Uint8Array): void } | null };

/**
 * All sockets without a better place are read into this memory, one after the other: what is read is
 * copied out before the next read. Node would allocate as much for each read, and give most of it back.
 */
const sharedBytes = 64 * 1024;
const shared = Buffer.allocUnsafeSlow(sharedBytes);

const keys = readKeys();

/**
 * Node offers `onread` to sockets that connect, not to those that a server accepts: there the same
 * members are set by hand. Where a version of Node has no such members, and over TLS, bytes come by
 * 'data' events and are copied.
 */
export function readSocket(socket: Socket, sink: SocketSink): void {
  const hooked = socket as HookedSocket;
  const handle = hooked._handle;
  const { encrypted } = socket as Partial<TLSSocket>;
  if (keys === null || encrypted === true || handle?.useUserBuffer === undefined) {
    socket.on('data', (bytes: Buffer) => sink.read(bytes));
    return;
  }
  let target: Buffer | null = null;
  hooked[keys.buffer] = shared;
  hooked[keys.callback] = (byteLength: number): boolean => {
    if (target !== null) sink.readInPlace(byteLength);
    else sink.read(Buffer.from(shared.subarray(0, byteLength)));
    return true;
  };
  // Called after each callback: Node holds on to what it returns until the next one.
  hooked[keys.generator] = (): Buffer => {
    target = sink.readTarget();
    return target ?? shared;
  };
  handle.useUserBuffer(shared);
  socket.resume();
}

/** Looks them up on a socket that was made with the option. */
function readKeys(): ReadKeys | null {
  const onread: OnReadOpts = { buffer: () => shared, callback: () => true };
  // The types know the option for `connect` alone.
  const socket = new Socket({ onread } as SocketConstructorOpts);
  const symbols = Object.getOwnPropertySymbols(socket);
  const named = (description: string): symbol | undefined =>
    symbols.find((symbol) => symbol.description === description);
  const buffer = named('kBuffer');
  const callback = named('kBufferCb');
  const generator = named('kBufferGen');
  socket.destroy();
  if (buffer === undefined || callback === undefined || generator === undefined) return null;
  return { buffer, callback, generator };
}
