import type { Socket } from 'node:net';

/** Bytes that are handed to the kernel at once; between two such rounds the reader must progress. */
const roundBytes = 512 * 1024;

/** Told how the peer reads. */
export interface WriterOwner {
  /** What was written now waits for the peer. */
  waiting(): void;
  /** Everything has left: there is room again. */
  drained(): void;
}

/** Writes to a socket no faster than the peer reads, with few system calls and no copies of large parts. */
export class SocketWriter {
  readonly #socket: Socket;
  readonly #owner: WriterOwner;
  #queue: Uint8Array[] = [];
  #queueAt = 0;
  #queueBytes = 0;
  #waiting = false;
  #held = false;

  /** @param held nothing leaves before `release`. */
  constructor(socket: Socket, owner: WriterOwner, held = false) {
    this.#socket = socket;
    this.#owner = owner;
    this.#held = held;
    this.#waiting = held;
    socket.on('drain', () => this.#drained());
  }

  /** False while something written waits for the peer to read. */
  get isDrained(): boolean {
    return !this.#waiting;
  }

  /** Bytes written that the kernel has not taken yet. */
  get unsentBytes(): number {
    return this.#queueBytes + this.#socket.writableLength;
  }

  /** Sends text, each character a byte. @returns Whether there is room for more. */
  writeText(text: string): boolean {
    if (this.#waiting) return this.writeAll([Buffer.from(text, 'latin1')]);
    if (!this.#socket.write(text, 'latin1')) this.#wait();
    return !this.#waiting;
  }

  /** Sends bytes, which must not change any more. @returns Whether there is room for more. */
  write(bytes: Uint8Array): boolean {
    if (this.#waiting || bytes.length > roundBytes) return this.writeAll([bytes]);
    if (!this.#socket.write(bytes)) this.#wait();
    return !this.#waiting;
  }

  writeAll(parts: readonly Uint8Array[]): boolean {
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

  /** What was held back may leave. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#drained();
  }

  /** Drops what has not left; the socket is gone. */
  clear(): void {
    this.#queue = [];
    this.#queueAt = 0;
    this.#queueBytes = 0;
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
    this.#owner.waiting();
  }

  #drained(): void {
    if (!this.#waiting || this.#held) return;
    this.#waiting = false;
    if (this.#queueAt < this.#queue.length) this.#pump();
    if (!this.#waiting) this.#owner.drained();
  }
}
