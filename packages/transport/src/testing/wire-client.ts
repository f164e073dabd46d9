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

/** Sends `bytes` as they are, and waits until the server closes or says nothing for `quietMs`. */
export function exchange(
  port: number,
  bytes: string | Uint8Array,
  quietMs: number,
): Promise<WireOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const chunks: Buffer[] = [];
    const finish = (closed: boolean): void => {
      clearTimeout(quiet);
      socket.destroy();
      const received = Buffer.concat(chunks);
      resolve({
        statuses: readResponses(received).map(({ status }) => status),
        closed,
        bytes: received,
      });
    };
    const quiet = setTimeout(() => finish(false), quietMs);
    socket.on('connect', () => socket.write(latin1(bytes)));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      quiet.refresh();
    });
    socket.on('error', () => finish(true));
    socket.on('close', () => finish(true));
  });
}

/** One answer, as far as it was received. */
export interface WireResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Splits what was received on a connection into answers. None of them may be to a HEAD request. */
export function readResponses(received: Buffer): WireResponse[] {
  const responses: WireResponse[] = [];
  let at = 0;
  while (at < received.length) {
    const headEnd = received.indexOf('\r\n\r\n', at);
    if (headEnd < 0) break;
    const [statusLine = '', ...lines] = received.latin1Slice(at, headEnd).split('\r\n');
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
      if (this.#closed) throw new Error(`closed after ${this.#received.latin1Slice(0, 2000)}`);
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
