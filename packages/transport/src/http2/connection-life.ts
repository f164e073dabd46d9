import type { ProtocolConnection } from '../connection-protocol.ts';
import { ErrorCode } from './frame.ts';
import type { Http2Limits } from './http2-limits.ts';
import type { Http2Session } from './http2-session.ts';
import type { Http2Keepalive } from './keepalive.ts';

/** What the end of a connection needs to know of its streams. */
export interface StreamCount {
  readonly streamCount: number;
  readonly lastStreamId: number;
}

const streamIdMax = 2 ** 31 - 1;
const keepalivePing = Buffer.from('keepaliv', 'latin1');
const drainPing = Buffer.from('draining', 'latin1');

/** Ages of connections differ by this part, so that not all clients come back at the same time. */
const ageSpread = 0.1;

/**
 * When a connection asks whether the client is there, and how it ends: GOAWAY for any stream, a
 * PING so that streams under way arrive, then GOAWAY with the last one. RFC 9113 section 6.8.
 */
export class ConnectionLife {
  readonly #connection: ProtocolConnection;
  readonly #session: Http2Session;
  readonly #streams: StreamCount;
  readonly #limits: Http2Limits;
  readonly #keepalive: Http2Keepalive | null;
  readonly #bornMs: number;
  readonly #ageMaxMs: number;
  #phase: 'open' | 'announced' | 'draining' = 'open';
  #announcedMs = 0;
  #readMs: number;
  #idleSinceMs: number;
  #pingSentMs: number | null = null;
  #pingsWithoutData = 0;
  #aged = false;

  constructor(
    connection: ProtocolConnection,
    session: Http2Session,
    streams: StreamCount,
    limits: Http2Limits,
    keepalive: Http2Keepalive | null,
  ) {
    this.#connection = connection;
    this.#session = session;
    this.#streams = streams;
    this.#limits = limits;
    this.#keepalive = keepalive;
    this.#bornMs = connection.nowMs;
    this.#readMs = connection.nowMs;
    this.#idleSinceMs = connection.nowMs;
    const ageMaxMs = keepalive?.connectionAgeMaxMs ?? null;
    this.#ageMaxMs =
      ageMaxMs === null
        ? Number.POSITIVE_INFINITY
        : ageMaxMs * (1 - ageSpread + 2 * ageSpread * Math.random());
  }

  /** Whether streams that begin now are too late. */
  get refusesStreams(): boolean {
    return this.#phase === 'draining';
  }

  bytesRead(): void {
    this.#readMs = this.#connection.nowMs;
  }

  payloadSent(): void {
    this.#pingsWithoutData = 0;
  }

  /** A stream has closed. */
  streamClosed(): void {
    if (this.#streams.streamCount > 0) return;
    this.#idleSinceMs = this.#connection.nowMs;
    if (this.#phase === 'draining') this.#end();
  }

  /** An answer to one of our PINGs, or something that only looks like one. */
  pingAnswered(bytes: Buffer, start: number): void {
    const answers = (ping: Buffer): boolean => ping.compare(bytes, start, start + 8) === 0;
    if (answers(keepalivePing)) this.#pingSentMs = null;
    if (this.#phase === 'announced' && answers(drainPing)) this.#drain();
  }

  /** Lets streams finish and then closes. */
  shutdown(): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'announced';
    this.#announcedMs = this.#connection.nowMs;
    this.#session.goaway(streamIdMax, ErrorCode.noError, '');
    this.#session.ping(drainPing);
  }

  sweep(): void {
    const connection = this.#connection;
    if (this.#phase === 'announced') {
      if (connection.isOver(this.#announcedMs, this.#limits.drainTimeoutMs)) this.#drain();
    } else if (this.#phase === 'draining') {
      const graceMs = this.#keepalive?.connectionAgeGraceMs ?? null;
      if (this.#aged && graceMs !== null && connection.isOver(this.#announcedMs, graceMs)) {
        connection.destroy();
      }
    } else if (connection.isOver(this.#bornMs, this.#ageMaxMs)) {
      this.#aged = true;
      this.shutdown();
    } else if (
      this.#streams.streamCount === 0 &&
      connection.isOver(this.#idleSinceMs, this.#limits.idleTimeoutMs)
    ) {
      this.shutdown();
    }
    if (this.#keepalive !== null) this.#keepAlive(this.#keepalive);
  }

  #keepAlive(keepalive: Http2Keepalive): void {
    const connection = this.#connection;
    if (this.#pingSentMs !== null) {
      if (this.#readMs > this.#pingSentMs) this.#pingSentMs = null;
      else if (connection.isOver(this.#pingSentMs, keepalive.keepaliveTimeoutMs)) {
        connection.destroy();
      }
      return;
    }
    const { keepaliveTimeMs, permitWithoutCalls, pingsWithoutDataMax } = keepalive;
    if (keepaliveTimeMs === null) return;
    if (this.#streams.streamCount === 0 && !permitWithoutCalls) return;
    if (pingsWithoutDataMax !== null && this.#pingsWithoutData >= pingsWithoutDataMax) return;
    if (!connection.isOver(this.#readMs, keepaliveTimeMs)) return;
    this.#pingsWithoutData++;
    this.#pingSentMs = connection.nowMs;
    this.#session.ping(keepalivePing);
  }

  #drain(): void {
    this.#phase = 'draining';
    this.#session.goaway(this.#streams.lastStreamId, ErrorCode.noError, '');
    if (this.#streams.streamCount === 0) this.#end();
  }

  #end(): void {
    this.#session.output.flush();
    this.#connection.end();
  }
}
