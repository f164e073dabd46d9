import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Clock, Timer } from '../../core/clock.ts';
import { LimitedLines } from './limited-lines.ts';

/** What is read in one interval. A model that writes more waits in its `print`, as at a slow terminal. */
const readBytesMax = 16 * 1024 * 1024;
const intervalMs = 1000;

export interface WorkerOutputOptions {
  readonly stream: Readable;
  readonly clock: Clock;
  readonly writeLine: (line: string) => void;
}

/** Brings what a model prints to the log, line by line, and no more of it than a log can bear. */
export class WorkerOutput {
  readonly #options: WorkerOutputOptions;
  readonly #lines: LimitedLines;
  /** Pipes cut what is printed anywhere, also within a character. */
  readonly #decoder = new StringDecoder('utf8');
  #readBytes = 0;
  #timer: Timer | null = null;

  constructor(options: WorkerOutputOptions) {
    this.#options = options;
    this.#lines = new LimitedLines(options.writeLine);
    options.stream.on('data', (chunk: Buffer) => this.#read(chunk));
    options.stream.on('end', () => this.#end());
    options.stream.on('error', () => this.#end());
  }

  get lastLine(): string {
    return this.#lines.lastLine;
  }

  #read(chunk: Buffer): void {
    this.#timer ??= this.#options.clock.setTimer(intervalMs, () => this.#nextInterval());
    this.#readBytes += chunk.length;
    if (this.#readBytes > readBytesMax) this.#options.stream.pause();
    this.#lines.write(chunk.length, () => this.#decoder.write(chunk));
  }

  #nextInterval(): void {
    this.#timer = null;
    this.#readBytes = 0;
    this.#lines.nextInterval();
    this.#options.stream.resume();
  }

  #end(): void {
    this.#timer?.cancel();
    this.#lines.end();
  }
}
