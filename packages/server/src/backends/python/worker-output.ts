import type { Readable } from 'node:stream';
import type { Clock, Timer } from '../../core/clock.ts';

/** Longer lines are cut. */
const lineBytesMax = 8 * 1024;
/** What one stream may log in one interval; the rest is counted. */
const loggedBytesMax = 256 * 1024;
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
  #partial = '';
  #loggedBytes = 0;
  #readBytes = 0;
  #droppedBytes = 0;
  #timer: Timer | null = null;
  /** The last lines, for whoever asks why the process ended. */
  #lastLines: string[] = [];

  constructor(options: WorkerOutputOptions) {
    this.#options = options;
    options.stream.on('data', (chunk: Buffer) => this.#read(chunk));
    options.stream.on('end', () => this.#end());
    options.stream.on('error', () => this.#end());
  }

  get lastLine(): string {
    return this.#lastLines.at(-1) ?? '';
  }

  #read(chunk: Buffer): void {
    this.#timer ??= this.#options.clock.setTimer(intervalMs, () => this.#nextInterval());
    this.#readBytes += chunk.length;
    if (this.#readBytes > readBytesMax) this.#options.stream.pause();
    if (this.#loggedBytes > loggedBytesMax) {
      this.#droppedBytes += chunk.length;
      return;
    }
    this.#loggedBytes += chunk.length;
    const lines = (this.#partial + chunk.toString('utf8')).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#write(line);
    if (this.#partial.length > lineBytesMax) {
      this.#write(this.#partial);
      this.#partial = '';
    }
  }

  #write(line: string): void {
    const cut = line.length > lineBytesMax ? `${line.slice(0, lineBytesMax)}…` : line;
    const text = cut.endsWith('\r') ? cut.slice(0, -1) : cut;
    if (text.trim() === '') return;
    this.#lastLines = [...this.#lastLines.slice(-4), text];
    this.#options.writeLine(text);
  }

  #nextInterval(): void {
    this.#timer = null;
    this.#loggedBytes = 0;
    this.#readBytes = 0;
    if (this.#droppedBytes > 0) {
      this.#options.writeLine(`… ${this.#droppedBytes} bytes of output were left out`);
      this.#droppedBytes = 0;
      this.#partial = '';
    }
    this.#options.stream.resume();
  }

  #end(): void {
    this.#timer?.cancel();
    this.#nextInterval();
    if (this.#partial !== '') this.#write(this.#partial);
    this.#partial = '';
  }
}
