import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionProtocol, ProtocolConnection, ProtocolSet } from './connection-protocol.ts';
import type { HttpLimits } from './http-limits.ts';
import { chooseProtocol } from './protocol-choice.ts';
import { readSocket, type SocketSink } from './socket-reader.ts';
import { SocketWriter, type WriterOwner } from './socket-writer.ts';

/** What a connection needs of the listener that it belongs to. */
export interface ConnectionOwner {
  readonly limits: HttpLimits;
  readonly protocols: ProtocolSet;
  /** Coarse time: moves on with every sweep. */
  readonly nowMs: number;
  /** Between two sweeps; what is timed is rounded up by it. */
  readonly sweepIntervalMs: number;
  forget(connection: Connection): void;
}

/**
 * One socket. Finds out what is spoken on it, hands the bytes to that protocol, and writes what the
 * protocol sends no faster than the client reads.
 */
export class Connection implements ProtocolConnection, SocketSink, WriterOwner {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #writer: SocketWriter;
  #protocol: ConnectionProtocol | null = null;
  /** First bytes that fit more than one protocol. */
  #undecided: Buffer | null = null;
  #ending = false;
  #lingering = false;
  #lingerBytes = 0;
  #closed = false;
  #paused = false;
  /** Since when it waits for what it waits for. */
  #sinceMs: number;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#sinceMs = owner.nowMs;
    socket.on('end', () => this.#readEnd());
    this.#writer = new SocketWriter(socket, this);
    // A reset is no news to anybody: what matters follows in 'close'.
    socket.on('error', () => {});
    socket.on('close', () => this.#close());
    readSocket(socket, this);
  }

  get limits(): HttpLimits {
    return this.#owner.limits;
  }

  get nowMs(): number {
    return this.#owner.nowMs;
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? '';
  }

  get isDrained(): boolean {
    return this.#writer.isDrained;
  }

  get unsentBytes(): number {
    return this.#writer.unsentBytes;
  }

  isOver(sinceMs: number, limitMs: number): boolean {
    return this.#owner.nowMs - sinceMs >= limitMs + this.#owner.sweepIntervalMs;
  }

  writeText(text: string): boolean {
    return this.#closed || this.#ending || this.#writer.writeText(text);
  }

  write(bytes: Uint8Array): boolean {
    return this.#closed || this.#ending || this.#writer.write(bytes);
  }

  writeAll(parts: readonly Uint8Array[]): boolean {
    return this.#closed || this.#ending || this.#writer.writeAll(parts);
  }

  end(): void {
    if (this.#closed || this.#ending) return;
    this.#ending = true;
    this.resume();
    if (this.#writer.isDrained) this.#endSocket();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  pause(): void {
    if (this.#paused || this.#closed) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Idle connections close now, others when they are done. */
  shutdown(): void {
    if (this.#protocol !== null) this.#protocol.shutdown();
    else if (!this.#ending) this.destroy();
  }

  /** Looks for timeouts. */
  sweep(): void {
    const { limits } = this;
    if (this.#lingering) {
      const { lingerTimeoutMs, writeTimeoutMs } = limits;
      const limitMs = this.#socket.writableLength > 0 ? writeTimeoutMs : lingerTimeoutMs;
      if (this.isOver(this.#sinceMs, limitMs)) this.destroy();
      return;
    }
    if (!this.#writer.isDrained) {
      if (this.isOver(this.#sinceMs, limits.writeTimeoutMs)) this.destroy();
      return;
    }
    if (this.#protocol !== null) {
      this.#protocol.sweep();
      return;
    }
    const limitMs = this.#undecided === null ? limits.idleTimeoutMs : limits.headerTimeoutMs;
    if (this.isOver(this.#sinceMs, limitMs)) this.destroy();
  }

  read(bytes: Buffer): void {
    if (this.#ending) this.#linger(bytes.length);
    else if (this.#protocol !== null) this.#protocol.read(bytes);
    else this.#chooseProtocol(bytes);
  }

  readTarget(): Buffer | null {
    return this.#ending || this.#protocol === null ? null : this.#protocol.readTarget();
  }

  readInPlace(byteLength: number): void {
    if (this.#ending) this.#linger(byteLength);
    else this.#protocol?.readInPlace(byteLength);
  }

  /** Bytes of a client that has not seen yet that nobody reads them. */
  #linger(byteLength: number): void {
    this.#lingerBytes += byteLength;
    if (this.#lingerBytes > this.limits.lingerBytesMax) this.destroy();
  }

  #chooseProtocol(bytes: Buffer): void {
    const first = this.#undecided === null ? bytes : Buffer.concat([this.#undecided, bytes]);
    const fits = chooseProtocol(first);
    // Who has agreed on HTTP/2 while TLS was set up speaks that, well or badly: RFC 9113 section 3.2.
    const choice = fits !== null && this.#agreedOnHttp2 ? 'http2' : fits;
    if (choice === null) {
      if (this.#undecided === null) this.#sinceMs = this.nowMs;
      this.#undecided = first;
      return;
    }
    this.#undecided = null;
    const factory = this.#owner.protocols[choice];
    if (factory === null) {
      this.end();
      return;
    }
    this.#protocol = factory(this);
    this.#protocol.read(first);
  }

  get #agreedOnHttp2(): boolean {
    return (this.#socket as Partial<TLSSocket>).alpnProtocol === 'h2';
  }

  #readEnd(): void {
    if (this.#ending) return;
    if (this.#undecided !== null && !this.#agreedOnHttp2) {
      // Too short for HTTP/2: HTTP/1.1 knows what to say to it.
      this.#protocol = this.#owner.protocols.http1(this);
      this.#protocol.read(this.#undecided);
      this.#undecided = null;
    }
    if (this.#protocol === null) this.end();
    else this.#protocol.readEnd();
  }

  waiting(): void {
    this.#sinceMs = this.nowMs;
  }

  drained(): void {
    if (this.#closed) return;
    if (this.#ending) this.#endSocket();
    else this.#protocol?.drained();
  }

  #endSocket(): void {
    if (this.#lingering) return;
    this.#lingering = true;
    this.#sinceMs = this.nowMs;
    this.#socket.end();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#writer.clear();
    this.#owner.forget(this);
    this.#protocol?.closed();
  }
}
