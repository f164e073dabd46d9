import {
  type AddressInfo,
  createServer,
  type ListenOptions,
  type Server,
  type Socket,
} from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import type { TransportClock, TransportTimer } from './clock.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import type { ProtocolSet } from './connection-protocol.ts';
import type { HttpLimits } from './http-limits.ts';
import { createTlsServer, replaceCertificates, type TlsOptions } from './tls-server.ts';

/** Where to listen. */
export interface ListenAddress {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Several servers share the port; the kernel spreads connections over them. Node 22.12 and later. */
  readonly reusePort?: boolean;
}

export interface ListenerOptions {
  readonly limits: HttpLimits;
  readonly protocols: ProtocolSet;
  readonly tls: TlsOptions | null;
  readonly clock: TransportClock;
  /** What a client over the limit of connections is told, each character a byte. */
  readonly busyAnswer: string;
}

/** Connections over the limit that get an answer at the same time; others are dropped. */
const refusalsMax = 64;
const backlogMax = 4096;
const sweepIntervalMaxMs = 1000;

/** Accepts connections, counts them, and looks after their timeouts with one timer for all. */
export class Listener implements ConnectionOwner {
  readonly limits: HttpLimits;
  readonly protocols: ProtocolSet;
  readonly sweepIntervalMs: number;
  readonly #clock: TransportClock;
  readonly #server: Server;
  /** The same server where it speaks TLS. */
  readonly #tlsServer: TlsServer | null = null;
  readonly #busyAnswer: string;
  readonly #connections = new Set<Connection>();
  /** Sockets whose TLS handshake goes on, by the client's address: many never become a connection. */
  readonly #handshakes = new Map<string, Socket>();
  #nowMs = 0;
  #sweepTimer: TransportTimer | null = null;
  #closing: Promise<void> | null = null;
  #emptied: (() => void) | null = null;

  constructor(options: ListenerOptions) {
    const { limits, tls } = options;
    this.limits = limits;
    this.protocols = options.protocols;
    this.#clock = options.clock;
    this.#busyAnswer = options.busyAnswer;
    this.sweepIntervalMs = sweepIntervalMs(limits);
    // Half-open, so that an answer can be read to its end before the connection is gone.
    const socketOptions = { allowHalfOpen: true, noDelay: true };
    if (tls === null) {
      this.#server = createServer(socketOptions, (socket) => this.#accept(socket));
    } else {
      this.#tlsServer = createTlsServer(
        tls,
        {
          ...socketOptions,
          handshakeTimeout: limits.headerTimeoutMs,
          ALPNProtocols: options.protocols.http2 === null ? ['http/1.1'] : ['h2', 'http/1.1'],
        },
        (socket) => {
          this.#handshakes.delete(clientAddress(socket));
          this.#accept(socket);
        },
      );
      this.#server = this.#tlsServer;
      // Node reports handshakes that fail or take too long, and leaves their sockets open.
      this.#server.on('tlsClientError', (_: Error, socket: Socket) => socket.destroy());
      this.#server.on('connection', (socket: Socket) => {
        const address = clientAddress(socket);
        this.#handshakes.set(address, socket);
        socket.once('close', () => {
          if (this.#handshakes.get(address) === socket) this.#handshakes.delete(address);
        });
      });
    }
    this.#server.maxConnections = limits.connectionsMax + refusalsMax;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** @throws Error that says what is wrong with them; the old ones stay then. */
  replaceCertificates(tls: TlsOptions): void {
    if (this.#tlsServer === null) throw new Error('this port does not speak TLS');
    replaceCertificates(this.#tlsServer, tls);
  }

  /** @throws Error of Node's with its `code`, such as EADDRINUSE. */
  listen(address: ListenAddress): Promise<AddressInfo> {
    const { host, port, reusePort = false } = address;
    if (reusePort && !supportsReusePort()) {
      return Promise.reject(new Error('sharing a port needs Node 22.12 or later'));
    }
    const options: ListenOptions & { reusePort?: boolean } = { host, port, backlog: backlogMax };
    if (reusePort) options.reusePort = true;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(options, () => {
        this.#server.off('error', reject);
        // Out of file descriptors, for example: those that are open go on.
        this.#server.on('error', () => {});
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Stops accepting and resolves when the last connection is gone, at the latest after `graceMs`. */
  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of [...this.#connections]) connection.shutdown();
    // They have asked nothing yet. Node keeps a socket open whose client gave up half-way.
    for (const socket of this.#handshakes.values()) socket.destroy();
    const timer = this.#clock.setTimer(graceMs, () => {
      for (const connection of [...this.#connections]) connection.destroy();
    });
    await closed;
    // Node's server counts a socket out before its 'close', on which handlers hear of an abort.
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    }
    timer.cancel();
    this.#sweepTimer?.cancel();
    this.#sweepTimer = null;
  }

  forget(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#emptied?.();
  }

  #accept(socket: Socket): void {
    const busy = this.#connections.size >= this.limits.connectionsMax;
    const connection = new Connection(socket, this);
    this.#connections.add(connection);
    if (busy || this.#closing !== null) {
      connection.writeText(this.#busyAnswer);
      connection.end();
    }
    this.#sweepTimer ??= this.#clock.setTimer(this.sweepIntervalMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#nowMs += this.sweepIntervalMs;
    for (const connection of this.#connections) connection.sweep();
    this.#sweepTimer =
      this.#connections.size === 0
        ? null
        : this.#clock.setTimer(this.sweepIntervalMs, () => this.#sweep());
  }
}

/** Tells a client's socket from all others that are open: TLS wraps it, and does not tell what. */
function clientAddress({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** A fourth of the shortest timeout: so much may a timeout be late. */
function sweepIntervalMs(limits: HttpLimits): number {
  const { idleTimeoutMs, headerTimeoutMs, bodyTimeoutMs, writeTimeoutMs, lingerTimeoutMs } = limits;
  const shortestMs = Math.min(
    idleTimeoutMs,
    headerTimeoutMs,
    bodyTimeoutMs,
    writeTimeoutMs,
    lingerTimeoutMs,
  );
  return Math.min(sweepIntervalMaxMs, Math.max(1, Math.floor(shortestMs / 4)));
}

function supportsReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}
