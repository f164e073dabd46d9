import type { HttpStream } from '@nereid/transport';

const eventStart = Buffer.from('data: ');
const eventEnd = Buffer.from('\n\n');

/** Events go to the transport in pieces of this size, so that no large event runs into its bound. */
const pieceBytes = 256 * 1024;

/** What waits for a slow reader before the connection is cut; the last event may go beyond it. */
const waitingBytesMax = 64 * 1024 * 1024;

/** Server-sent events on their way to a client, which takes them as fast as it can. */
export class EventStream {
  readonly #stream: HttpStream;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #draining = false;
  #ending = false;
  #over = false;

  constructor(stream: HttpStream) {
    this.#stream = stream;
  }

  /** Sends an event, or has it wait. @param data one line, which must stay as it is. */
  send(data: Uint8Array): void {
    if (this.#over) return;
    if (this.#waitingBytes > waitingBytesMax) {
      this.#cut();
      return;
    }
    this.#push(Buffer.concat([eventStart, data, eventEnd]));
    if (!this.#draining) this.#write();
  }

  /** Ends the stream when everything is sent. */
  end(): void {
    this.#ending = true;
    if (!this.#draining) this.#write();
  }

  #push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      this.#waiting.push(bytes.subarray(at, at + pieceBytes));
    }
    this.#waitingBytes += bytes.length;
  }

  #write(): void {
    if (this.#over) return;
    let written = 0;
    let room = true;
    while (room && written < this.#waiting.length) {
      const piece = this.#waiting[written++] as Uint8Array;
      this.#waitingBytes -= piece.length;
      room = this.#stream.write(piece);
    }
    this.#waiting.splice(0, written);
    if (!room) this.#drain();
    else if (this.#ending) this.#finish();
  }

  #drain(): void {
    this.#draining = true;
    void this.#stream.drained().then(() => {
      this.#draining = false;
      this.#write();
    });
  }

  #finish(): void {
    this.#over = true;
    this.#stream.end();
  }

  /** Its reader is too slow: it has to see that something is missing. */
  #cut(): void {
    this.#over = true;
    this.#waiting = [];
    this.#stream.abort();
  }
}
