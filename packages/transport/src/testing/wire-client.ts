import { connect, type Socket } from 'node:net';

/** What came back on a raw connection. */
export interface WireOutcome {
  /** Status codes in the order of the answers, 100 included. */
  readonly statuses: readonly number[];
  /** The server closed or reset the connection. */
  readonly closed: boolean;
  /** All that was received. */
  readonly bytes: Buffer;
}

/** How long both ends must be silent: in turns of the event loop that they share, and in time. */
const quietTurns = 20;
const quietAfterAnswerMs = 5;

/**
 * Sends `bytes` as they are, and waits until the server closes or has nothing more to say. Client
 * and server must run in this process: turns of its event loop tell how far both have come, however
 * slow the machine is.
 *
 * @param silenceMs how long to wait for the first byte of an answer.
 */
export async function exchange(
  port: number,
  bytes: string | Uint8Array,
  silenceMs: number,
): Promise<WireOutcome> {
  const client = await WireClient.open(port);
  await client.send(bytes);
  let seenBytes = -1;
  let turns = 0;
  let quietSinceMs = 0;
  while (!client.closed) {
    await new Promise((resolve) => setImmediate(resolve));
    if (client.received.length !== seenBytes) {
      seenBytes = client.received.length;
      turns = 0;
      quietSinceMs = performance.now();
    }
    const quietMs = seenBytes === 0 ? silenceMs : quietAfterAnswerMs;
    if (++turns > quietTurns && performance.now() - quietSinceMs >= quietMs) break;
  }
  const { closed, received, responses } = client;
  client.destroy();
  return { statuses: responses.map(({ status }) => status), closed, bytes: received };
}

/** One answer, as far as it was received. */
export interface WireResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Splits what was received on a connection into answers. None of them may be to a HEAD request. */
function readResponses(received: Buffer): WireResponse[] {
  const responses: WireResponse[] = [];
  let at = 0;
  while (at < received.length) {
    const headEnd = received.indexOf('\r\n\r\n', at);
    if (headEnd < 0) break;
    const [statusLine = '', ...lines] = received.toString('latin1', at, headEnd).split('\r\n');
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(`${statusLine} `)?.[1] ?? Number.NaN);
    at = headEnd + 4;
    const length = headers.get('content-length');
    // Without a length the body ends with the connection.
    const bodyEnd =
      status < 200 ? at : length === undefined ? received.length : at + Number(length);
    responses.push({ status, headers, body: received.subarray(at, bodyEnd) });
    at = bodyEnd;
  }
  return responses;
}

/** A connection for tests that talk step by step. */
export class WireClient {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #closed = false;
  #wake: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  static open(port: number): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      const client = new WireClient(socket);
      socket.once('connect', () => resolve(client));
      socket.once('error', reject);
    });
  }

  get received(): Buffer {
    return this.#received;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get responses(): WireResponse[] {
    return readResponses(this.#received);
  }

  /** Bytes as they are; resolves when they are with the kernel. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(latin1(bytes), () => resolve());
    });
  }

  /** Waits until `condition` holds, looking after everything that arrives. */
  async until(condition: (client: WireClient) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.#closed)
        throw new Error(`closed after ${this.#received.toString('latin1', 0, 2000)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async untilClosed(): Promise<void> {
    await this.until((client) => client.closed);
  }

  /** The answer number `count`, counted from 1, once its body is complete. */
  async response(count = 1): Promise<WireResponse> {
    const complete = (response: WireResponse | undefined): boolean =>
      response !== undefined &&
      response.body.length === Number(response.headers.get('content-length') ?? 0);
    await this.until((client) => complete(client.responses[count - 1]));
    return this.responses[count - 1]!;
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function latin1(bytes: string | Uint8Array): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
}
