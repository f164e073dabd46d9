import { connect as connectPlain, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { SocketWriter, type WriterOwner } from '../../socket-writer.ts';
import type { SessionCarrier } from '../http2-session.ts';

/** Where a connection leads. */
export interface ClientTarget {
  readonly host: string;
  readonly port: number;
  /** Null for prior knowledge in plain text: RFC 9113 section 3.3. */
  readonly tls: ConnectionOptions | null;
}

/** What is spoken on a socket. Nothing of it throws. */
export interface ClientSocketOwner {
  /** Bytes, which are overwritten after the call unless they lie in what `readTarget` returned. */
  read(bytes: Buffer): void;
  /** Where the next bytes belong; null where nobody knows. */
  readTarget(): Buffer | null;
  drained(): void;
  /** Called once, last. @param error Null where nothing went wrong. */
  closed(error: Error | null): void;
}

/** What a client's connection needs of its socket. */
export interface ClientCarrier extends SessionCarrier {
  destroy(error?: Error): void;
  /** Whether an open connection keeps the process alive. */
  keepsProcess(keeps: boolean): void;
}

/** All sockets are read into this memory, one after the other: what is read is used up at once. */
const shared = Buffer.allocUnsafeSlow(64 * 1024);

/** A client's socket: nothing leaves it before the server is known to speak HTTP/2, or must be. */
export class ClientSocket implements ClientCarrier, WriterOwner {
  readonly remoteAddress = '';
  readonly nowMs = 0;
  readonly #socket: Socket;
  readonly #owner: ClientSocketOwner;
  readonly #writer: SocketWriter;
  #target: Buffer | null = null;
  #error: Error | null = null;
  #ready = false;
  #ending = false;
  #closed = false;

  constructor(target: ClientTarget, owner: ClientSocketOwner) {
    this.#owner = owner;
    const { host, port, tls } = target;
    const onread: OnReadOpts = {
      buffer: () => {
        // Node asks for the first before there is a socket.
        this.#target = this.#ready && !this.#ending ? owner.readTarget() : null;
        return this.#target ?? shared;
      },
      callback: (byteLength) => {
        if (!this.#ending) owner.read((this.#target ?? shared).subarray(0, byteLength));
        return true;
      },
    };
    const socket =
      tls === null
        ? connectPlain({ host, port, noDelay: true, onread })
        : connectTls({ ...tls, host, port, ALPNProtocols: ['h2'], onread } as ConnectionOptions);
    if (tls !== null) socket.setNoDelay(true);
    this.#socket = socket;
    this.#writer = new SocketWriter(socket, this, true);
    socket.once(tls === null ? 'connect' : 'secureConnect', () => this.#connected(tls !== null));
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    // Nobody opens half a connection again.
    socket.on('end', () => this.destroy(new Error('the server closed the connection')));
    socket.on('close', () => this.#close());
  }

  get isDrained(): boolean {
    return this.#writer.isDrained;
  }

  get unsentBytes(): number {
    return this.#writer.unsentBytes;
  }

  /** Clients look after their time-outs themselves. */
  isOver(): boolean {
    return false;
  }

  write(bytes: Uint8Array): boolean {
    return this.#closed || this.#ending || this.#writer.write(bytes);
  }

  writeAll(parts: readonly Uint8Array[]): boolean {
    return this.#closed || this.#ending || this.#writer.writeAll(parts);
  }

  /** Closes when what was written has left. */
  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#writer.isDrained) this.#socket.destroySoon();
    else this.#socket.destroy();
  }

  destroy(error: Error | null = null): void {
    this.#error ??= error;
    this.#ending = true;
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  keepsProcess(keeps: boolean): void {
    if (keeps) this.#socket.ref();
    else this.#socket.unref();
  }

  waiting(): void {}

  drained(): void {
    if (!this.#ending) this.#owner.drained();
  }

  #connected(secure: boolean): void {
    if (this.#ending) return;
    if (secure && (this.#socket as TLSSocket).alpnProtocol !== 'h2') {
      this.destroy(new Error('the server does not speak HTTP/2 here: it did not agree to h2'));
      return;
    }
    this.#ready = true;
    this.#writer.release();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#writer.clear();
    this.#owner.closed(this.#error);
  }
}
