import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionProtocol, ProtocolConnection, ProtocolSet } from './connection-protocol.ts';
import type { HttpLimits } from './http-limits.ts';
import { chooseProtocol } from './protocol-choice.ts';
import { readSocket, type SocketSink } from './socket-reader.ts';

/** Bytes that are handed to the kernel at once; between two such rounds the reader must progress. */
const roundBytes = 512 * 1024;

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
export class Connection implements ProtocolConnection, SocketSink {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  #protocol: ConnectionProtocol | null = null;
  /** First bytes that fit more than one protocol. */
  #undecided: Buffer | null = null;
  #queue: Uint8Array[] = [];
  #queueAt = 0;
  #queueBytes = 0;
  #waiting = false;
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
    socket.on('drain', () => this.#drained());
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
    return !this.#waiting;
  }

  get unsentBytes(): number {
    return this.#queueBytes + this.#socket.writableLength;
  }

  isOver(sinceMs: number, limitMs: number): boolean {
    return this.#owner.nowMs - sinceMs >= limitMs + this.#owner.sweepIntervalMs;
  }

  writeText(text: string): boolean {
    if (this.#closed || this.#ending) return true;
    if (this.#waiting) return this.writeAll([Buffer.from(text, 'latin1')]);
    if (!this.#socket.write(text, 'latin1')) this.#wait();
    return !this.#waiting;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closed || this.#ending) return true;
    if (this.#waiting || bytes.length > roundBytes) return this.writeAll([bytes]);
    if (!this.#socket.write(bytes)) this.#wait();
    return !this.#waiting;
  }

  writeAll(parts: readonly Uint8Array[]): boolean {
    if (this.#closed || this.#ending) return true;
    for (const part of parts) {
      for (let at = 0; at < part.length; at += roundBytes) {
        this.#queue.push(
          part.length <= roundBytes
            ? part
            : part.subarray(at, Math.min(at + roundBytes, part.length)),
        );
      }
      this.#queueBytes += part.length;
    }
    if (!this.#waiting) this.#pump();
    return !this.#waiting;
  }

  end(): void {
    if (this.#closed || this.#ending) return;
    this.#ending = true;
    this.resume();
    if (!this.#waiting) this.#endSocket();
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
    if (this.#waiting) {
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

  #pump(): void {
    let budget = roundBytes;
    let room = true;
    this.#socket.cork();
    while (this.#queueAt < this.#queue.length && budget > 0) {
      const part = this.#queue[this.#queueAt]!;
      this.#queueAt++;
      budget -= part.length;
      this.#queueBytes -= part.length;
      room = this.#socket.write(part);
    }
    this.#socket.uncork();
    if (this.#queueAt === this.#queue.length) {
      this.#queue = [];
      this.#queueAt = 0;
    }
    if (!room) this.#wait();
  }

  #wait(): void {
    this.#waiting = true;
    this.#sinceMs = this.nowMs;
  }

  #drained(): void {
    if (this.#closed || !this.#waiting) return;
    this.#waiting = false;
    if (this.#queueAt < this.#queue.length) this.#pump();
    if (this.#waiting) return;
    if (this.#ending) this.#endSocket();
    else this.#protocol?.drained();
  }

  #endSocket(): void {
    if (this.#lingering) return;
    this.#lingering = true;
    this.#waiting = false;
    this.#sinceMs = this.nowMs;
    this.#socket.end();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#owner.forget(this);
    this.#protocol?.closed();
  }
}
