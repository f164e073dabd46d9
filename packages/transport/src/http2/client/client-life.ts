import type { TransportClock, TransportTimer } from '../../clock.ts';

/** How a client finds out whether its server is still there; the names are those of gRPC's channel arguments. */
export interface ClientKeepalive {
  /** Quiet time after which a PING is sent; null for never. */
  readonly timeMs: number | null;
  /** How long its answer may take before the connection counts as lost. */
  readonly timeoutMs: number;
  /** Whether PINGs are sent while there is no call. */
  readonly permitWithoutCalls: boolean;
  /** PINGs in a row with nothing sent in between; null for any number. */
  readonly pingsWithoutDataMax: number | null;
}

export interface ClientLifeOptions {
  readonly keepalive: ClientKeepalive;
  /** A connection without calls for so long is closed. */
  readonly idleTimeoutMs: number;
}

/** What becomes of the connection. */
export interface LivingConnection {
  ping(payload: Buffer): void;
  idle(): void;
  dead(error: Error): void;
  streamCount(): number;
}

const pingPayload = Buffer.from('keepaliv', 'latin1');
const tickMsMax = 60_000;

/**
 * Keeps a connection alive, and ends one that nobody needs. Calls leave notes only; time is counted by
 * ticks, four in the shortest time that counts.
 */
export class ClientLife {
  readonly #options: ClientLifeOptions;
  readonly #clock: TransportClock;
  readonly #connection: LivingConnection;
  readonly #tickMs: number;
  #timer: TransportTimer | null = null;
  #wasRead = false;
  #wasUsed = false;
  #quietMs = 0;
  #idleMs = 0;
  /** Since the PING that is not answered; null where there is none. */
  #pingMs: number | null = null;
  #pingsWithoutData = 0;

  constructor(options: ClientLifeOptions, clock: TransportClock, connection: LivingConnection) {
    this.#options = options;
    this.#clock = clock;
    this.#connection = connection;
    const { idleTimeoutMs, keepalive } = options;
    const { timeMs, timeoutMs } = keepalive;
    const shortestMs = Math.min(idleTimeoutMs, ...(timeMs === null ? [] : [timeMs, timeoutMs]));
    this.#tickMs = Math.min(tickMsMax, Math.max(1, Math.ceil(shortestMs / 4)));
    this.#wait();
  }

  bytesRead(): void {
    this.#wasRead = true;
  }

  streamOpened(): void {
    this.#wasUsed = true;
  }

  payloadSent(): void {
    this.#pingsWithoutData = 0;
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #wait(): void {
    this.#timer = this.#clock.setTimer(this.#tickMs, () => {
      this.#timer = null;
      this.#wait();
      this.#tick();
    });
  }

  #tick(): void {
    const streamCount = this.#connection.streamCount();
    this.#quietMs = this.#wasRead ? 0 : this.#quietMs + this.#tickMs;
    this.#idleMs = this.#wasUsed || streamCount > 0 ? 0 : this.#idleMs + this.#tickMs;
    if (this.#wasRead) this.#pingMs = null;
    this.#wasRead = false;
    this.#wasUsed = false;
    if (this.#idleMs >= this.#options.idleTimeoutMs) this.#connection.idle();
    else this.#keepAlive(streamCount);
  }

  #keepAlive(streamCount: number): void {
    const { timeMs, timeoutMs, permitWithoutCalls, pingsWithoutDataMax } = this.#options.keepalive;
    if (timeMs === null) return;
    if (this.#pingMs !== null) {
      this.#pingMs += this.#tickMs;
      if (this.#pingMs < timeoutMs) return;
      this.#connection.dead(new Error(`the server did not answer a PING within ${timeoutMs} ms`));
      return;
    }
    if (this.#quietMs < timeMs || (streamCount === 0 && !permitWithoutCalls)) return;
    if (pingsWithoutDataMax !== null && this.#pingsWithoutData >= pingsWithoutDataMax) return;
    this.#pingsWithoutData++;
    this.#pingMs = 0;
    this.#connection.ping(pingPayload);
  }
}
