/** How connections are kept alive and ended; the names are those of gRPC's channel arguments. */
export interface Http2Keepalive {
  /** Quiet time after which the server sends a PING; null for never. */
  readonly keepaliveTimeMs: number | null;
  /** How long it waits for the answer before it closes the connection. */
  readonly keepaliveTimeoutMs: number;
  /** Whether it sends PINGs, and bears a client's, while there is no call. */
  readonly permitWithoutCalls: boolean;
  /** PINGs in a row that the server sends without DATA or HEADERS in between; null for any number. */
  readonly pingsWithoutDataMax: number | null;
  /** PINGs of a client that come faster than this, with nothing sent to it in between, are bad. */
  readonly receivedPingIntervalMinMs: number;
  /** Bad PINGs that are borne; one more ends the connection with `too_many_pings`. Null bears all. */
  readonly pingStrikesMax: number | null;
  /** How old connections get before the server says GOAWAY; null for any age. */
  readonly connectionAgeMaxMs: number | null;
  /** How long calls may then go on; null for as long as they take. */
  readonly connectionAgeGraceMs: number | null;
}

/** Without calls, a client's PINGs are bad when they come faster than this, as in gRPC's own servers. */
const quietPingIntervalMs = 7_200_000;

/** Counts the PINGs of a client: gRPC proposal A8. */
export class PingStrikes {
  readonly #keepalive: Http2Keepalive;
  #strikes = 0;
  #lastNs = Number.NEGATIVE_INFINITY;

  constructor(keepalive: Http2Keepalive) {
    this.#keepalive = keepalive;
  }

  /** Something was sent to the client: it may well measure how long that takes. */
  payloadSent(): void {
    this.#strikes = 0;
    this.#lastNs = Number.NEGATIVE_INFINITY;
  }

  /** @returns False when this was one too many. */
  received(nowNs: number, hasCalls: boolean): boolean {
    const { pingStrikesMax, permitWithoutCalls, receivedPingIntervalMinMs } = this.#keepalive;
    if (pingStrikesMax === null) return true;
    const intervalMs =
      hasCalls || permitWithoutCalls ? receivedPingIntervalMinMs : quietPingIntervalMs;
    const bad = nowNs - this.#lastNs < intervalMs * 1e6;
    this.#lastNs = nowNs;
    if (bad) this.#strikes++;
    return this.#strikes <= pingStrikesMax;
  }
}
