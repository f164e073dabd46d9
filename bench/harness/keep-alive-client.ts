import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** An answer of an HTTP server. */
export interface HttpAnswer {
  readonly status: number;
  /** With the blank line at its end. */
  readonly head: string;
  readonly body: Buffer;
}

const headEnd = '\r\n\r\n';

/** One connection that is kept, one request at a time; as thin as it can be, so that it costs little. */
export class KeepAliveClient {
  readonly #socket: Socket;
  #take: ((chunk: Buffer) => void) | null = null;
  #fail: ((error: Error) => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take?.(chunk));
    socket.on('error', (error) => this.#fail?.(error));
    socket.on('close', () => this.#fail?.(new Error('the server closed the connection')));
  }

  /** Rejects when nothing listens there. */
  static async connect(port: number): Promise<KeepAliveClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new KeepAliveClient(socket);
  }

  /** Sends a whole HTTP request and reads the answer, which must have a Content-Length. */
  ask(request: Uint8Array): Promise<HttpAnswer> {
    let received: Buffer = Buffer.alloc(0);
    let bodyStart = -1;
    let length = Number.POSITIVE_INFINITY;
    return this.#exchange<HttpAnswer>(request, (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      if (bodyStart < 0) {
        const end = received.indexOf(headEnd);
        if (end < 0) return null;
        bodyStart = end + headEnd.length;
        const found = /\r\ncontent-length: *(\d+)/iu.exec(
          received.toString('latin1', 0, bodyStart),
        );
        if (found === null) throw new Error('an answer without Content-Length');
        length = bodyStart + Number(found[1]);
      }
      if (received.length < length) return null;
      const head = received.toString('latin1', 0, bodyStart);
      return {
        status: Number(head.slice(9, 12)),
        head,
        body: received.subarray(bodyStart, length),
      };
    });
  }

  /** Sends bytes and counts what comes back, without a look at it or a copy of it. */
  async count(request: Uint8Array, answerBytes: number): Promise<void> {
    let missing = answerBytes;
    await this.#exchange(request, (chunk) => {
      missing -= chunk.length;
      if (missing < 0) throw new Error(`${-missing} bytes more than expected`);
      return missing === 0 ? true : null;
    });
  }

  close(): void {
    this.#take = null;
    this.#fail = null;
    this.#socket.destroy();
  }

  #exchange<Answer>(request: Uint8Array, take: (chunk: Buffer) => Answer | null): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      this.#take = (chunk) => {
        try {
          const answer = take(chunk);
          if (answer === null) return;
          this.#take = null;
          this.#fail = null;
          resolve(answer);
        } catch (error) {
          reject(error);
        }
      };
      this.#socket.write(request);
    });
  }
}
