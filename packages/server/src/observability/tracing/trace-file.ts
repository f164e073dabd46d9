import { type FileHandle, open } from 'node:fs/promises';
import type { Logger } from '../../core/logger.ts';
import type { TraceGroup } from './trace-record.ts';
import { traceGroupText } from './trace-text.ts';

/** Traces that wait to be written may take this much memory; what comes on top is lost. */
const pendingBytesMax = 256 * 1024 * 1024;
/** Bytes that go to the file system at a time. */
const pieceBytes = 64 * 1024;

export interface TraceFileOptions {
  readonly path: string;
  /** Added to all times. */
  readonly offsetNs: bigint;
  readonly logger: Logger;
  readonly pendingBytesMax?: number;
}

/**
 * Where traces are written: `<path>`, and `<path>.0`, `<path>.1`, … for those that are kept apart. Each
 * is a JSON array. Writing never holds the event loop up and never fails: what cannot be written is
 * lost, and the log says so.
 */
export class TraceFile {
  readonly path: string;
  readonly #options: TraceFileOptions;
  #whole: TraceArray | null = null;
  #indexedCount = 0;
  #tail: Promise<void> = Promise.resolve();
  #pendingBytes = 0;
  #lost = 0;
  #failed = false;

  constructor(options: TraceFileOptions) {
    this.path = options.path;
    this.#options = options;
  }

  /** Adds to `<path>`, which begins anew with the first call. */
  append(groups: readonly TraceGroup[]): void {
    if (this.path === '') return;
    this.#whole ??= new TraceArray(this.path);
    this.#write(this.#whole, groups, false);
  }

  /** A file of its own, begun with the first groups. */
  indexed(): IndexedTraceFile {
    const array = new TraceArray(`${this.path}.${this.#indexedCount++}`);
    return {
      append: (groups) => this.#write(array, groups, false),
      end: (groups) => this.#write(array, groups, true),
    };
  }

  /** Resolves when everything is written, and `<path>` is complete. May be called again. */
  async close(): Promise<void> {
    const whole = this.#whole;
    this.#whole = null;
    if (whole !== null) this.#write(whole, [], true);
    await this.#tail;
  }

  #write(array: TraceArray, groups: readonly TraceGroup[], last: boolean): void {
    const byteLength = groups.reduce((bytes, group) => bytes + group.byteLength, 0);
    const room = (this.#options.pendingBytesMax ?? pendingBytesMax) - this.#pendingBytes;
    const taken = byteLength <= room ? groups : [];
    if (taken.length < groups.length)
      this.#lose(groups.length, 'they come faster than the disk takes them');
    const bytes = taken.length === 0 ? 0 : byteLength;
    this.#pendingBytes += bytes;
    this.#tail = this.#tail.then(async () => {
      try {
        for (const group of taken) await array.add(traceGroupText(group, this.#options.offsetNs));
        if (last) await array.end();
        this.#failed = false;
      } catch (error) {
        this.#fail(array, taken.length, error);
      }
      this.#pendingBytes -= bytes;
    });
  }

  /** Says it once, not for every group of a full disk. */
  #fail(array: TraceArray, count: number, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (!this.#failed) {
      this.#options.logger.error(`failed creating trace file ${array.path}: ${reason}`);
    }
    this.#failed = true;
    this.#lost += count;
  }

  #lose(count: number, reason: string): void {
    if (this.#lost === 0) this.#options.logger.warning(`traces are lost: ${reason}`);
    this.#lost += count;
  }
}

/** One file `<path>.<index>`. */
export interface IndexedTraceFile {
  append(groups: readonly TraceGroup[]): void;
  /** Adds the last groups and completes the file. */
  end(groups: readonly TraceGroup[]): void;
}

/** A JSON array that grows in a file, an object of several members at a time. */
class TraceArray {
  readonly path: string;
  #handle: FileHandle | null = null;
  /** Where the last complete group ends; what is behind it is overwritten. */
  #end = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Adds a group or, if that fails, nothing. */
  async add(pieces: Iterable<string>): Promise<void> {
    this.#handle ??= await open(this.path, 'w');
    let at = this.#end;
    let text = at === 0 ? '[' : ',';
    try {
      for (const piece of pieces) {
        text += piece;
        if (text.length < pieceBytes) continue;
        at = await this.#writeAt(at, text);
        text = '';
      }
      this.#end = await this.#writeAt(at, text);
    } catch (error) {
      await this.#handle.truncate(this.#end).catch(() => {});
      throw error;
    }
  }

  /** Completes and closes the file, if it was begun. */
  async end(): Promise<void> {
    const handle = this.#handle;
    if (handle === null) return;
    try {
      await this.#writeAt(this.#end, this.#end === 0 ? '[]' : ']');
    } finally {
      this.#handle = null;
      await handle.close();
    }
  }

  async #writeAt(position: number, text: string): Promise<number> {
    const bytes = Buffer.from(text);
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await (this.#handle as FileHandle).write(
        bytes,
        written,
        bytes.length - written,
        position + written,
      );
      written += bytesWritten;
    }
    return position + bytes.length;
  }
}
