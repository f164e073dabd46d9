import { LimitedLines } from '../../worker/limited-lines.ts';

const intervalMs = 1000;

/** Where a line belongs that a model wrote. */
export type LineLevel = 'ERROR' | 'WARNING' | 'INFO' | 'VERBOSE';

/** Brings what a model prints and logs to the server, bounded on this side: a model that floods harms itself. */
export class PrintedLines {
  readonly #lines: Readonly<Record<LineLevel, LimitedLines>>;
  #intervalStartMs = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(post: (level: LineLevel, line: string) => void) {
    const lines = (level: LineLevel): LimitedLines => new LimitedLines((line) => post(level, line));
    this.#lines = {
      ERROR: lines('ERROR'),
      WARNING: lines('WARNING'),
      INFO: lines('INFO'),
      VERBOSE: lines('VERBOSE'),
    };
  }

  /** Whole lines of the model's own logger. */
  log(level: LineLevel, message: unknown): void {
    const text = `${String(message)}\n`;
    this.#write(level, text.length, () => text);
  }

  /** Has what goes to the thread's stdout and stderr come here, by `console` and by `write`. */
  capture(): void {
    for (const stream of [process.stdout, process.stderr]) {
      // Both as Triton's Python backend has it: what a model prints is information.
      stream.write = ((chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
        const text = (): string =>
          typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString('utf8');
        this.#write('INFO', (chunk as { length?: number } | null)?.length ?? 0, text);
        const callback = typeof encoding === 'function' ? encoding : done;
        if (typeof callback === 'function') process.nextTick(callback);
        return true;
      }) as typeof stream.write;
    }
  }

  /** Nothing more comes. */
  end(): void {
    for (const lines of Object.values(this.#lines)) lines.end();
  }

  #write(level: LineLevel, length: number, text: () => string): void {
    // A model that never yields has no timers.
    const nowMs = performance.now();
    if (nowMs - this.#intervalStartMs >= intervalMs) this.#nextInterval(nowMs);
    this.#lines[level].write(length, text);
    this.#timer ??= setTimeout(() => this.#nextInterval(performance.now()), intervalMs).unref();
  }

  #nextInterval(nowMs: number): void {
    this.#intervalStartMs = nowMs;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const lines of Object.values(this.#lines)) lines.nextInterval();
  }
}
