import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { BodyMemory } from '@nereid/transport';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { NumberedRequest } from '../worker/open-request.ts';
import type { ChannelListener, WorkerChannel } from '../worker/worker-life.ts';
import type { WorkerMessage } from '../worker/worker-message.ts';
import { WorkerOutput } from '../worker/worker-output.ts';
import { PayloadTensors } from './payload-tensors.ts';
import { executeText } from './request-text.ts';
import { SharedRegions } from './shared-region.ts';
import {
  encodeFrame,
  encodeSharedFrame,
  FrameReader,
  payloadPieces,
  payloadSize,
  type SharedPayload,
} from './worker-frame.ts';

/** Beyond this the server stops answering a worker's calls: it does not read what it asks for. */
const unsentBytesMax = 1024 * 1024 * 1024;

/** Smaller payloads are quicker through the socket. */
const sharedBytesMin = 64 * 1024;
/** Larger ones would hold the event loop up while they are copied; the socket takes them piece by piece. */
const sharedBytesMax = 16 * 1024 * 1024;

export interface WorkerProcessOptions extends ChannelListener {
  /** The interpreter. */
  readonly python: string;
  /** `nereid_worker/__main__.py`. */
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Before each line of the model in the log. */
  readonly label: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * A Python process and the socket to it. Its owner has it end by `kill`, or by having it told to; it
 * never outlives this process, since the kernel kills it then.
 */
export class WorkerProcess implements WorkerChannel {
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;
  readonly #options: WorkerProcessOptions;
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #errors: WorkerOutput;
  /** What payloads are copied to: used again where an answer says that it has left. */
  readonly #memory: BodyMemory;
  /** Memory for large payloads; null where the socket carries them all. */
  #regions: SharedRegions | null = null;
  /** Ranges of the worker's region that were read, which it is told with the next message. */
  #read: number[] = [];
  #fault: string | null = null;
  #over = false;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    this.#memory = new BodyMemory(null, options.clock);
    const { clock, logger, label } = options;
    // Unbuffered, so that what a model prints before it crashes is not lost.
    this.#child = spawn(options.python, ['-u', options.script], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...options.environment,
        NEREID_WORKER_PARENT: String(process.pid),
      },
    });
    this.#socket = this.#child.stdio[3] as Socket;
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('a worker without output');
    new WorkerOutput({
      stream: stdout,
      clock,
      writeLine: (line) => logger.info(`[${label}] ${line}`),
    });
    this.#errors = new WorkerOutput({
      stream: stderr,
      clock,
      writeLine: (line) => logger.info(`[${label}] ${line}`),
    });
    const reader = new FrameReader((text, payload) => this.#receive(text, payload));
    this.#socket.on('data', (chunk: Buffer) => this.#push(reader, chunk));
    // The end of the process tells; a broken pipe is only its first sign.
    this.#socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      const end = (reason: string): void => {
        if (this.#over) return;
        this.#over = true;
        this.#socket.destroy();
        this.#regions?.close();
        this.#regions = null;
        options.ended(this.#fault ?? reason);
        resolve();
      };
      this.#child.on('error', (error) => end(error.message));
      // After `exit` there may still be messages to read; `close` waits for all streams, which a
      // process that the model has started may hold open.
      this.#child.on('exit', (status, signal) => {
        const reason = signal === null ? `status ${status}` : `signal ${signal}`;
        this.#socket.once('close', () => end(reason));
        setTimeout(() => end(reason), 100);
      });
    });
  }

  /** Null when it could not be started. */
  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** What it last wrote to stderr. */
  get lastErrorLine(): string {
    return this.#errors.lastLine;
  }

  /**
   * Sends a message, which has `kind`. The tensors must stay as they are until it is written: for good,
   * when nothing says that it was.
   */
  send(message: object, tensors: readonly Uint8Array[] = []): void {
    this.#write(JSON.stringify(message), tensors);
  }

  execute(batch: number, requests: readonly NumberedRequest[]): void {
    const tensors: Uint8Array[] = [];
    for (const { request } of requests) {
      for (const { data } of request.inputs) tensors.push(data);
    }
    this.#write(executeText(batch, requests), tensors);
  }

  /** @param text JSON with `kind` */
  #write(text: string, tensors: readonly Uint8Array[]): void {
    if (this.#over || this.#fault !== null) return;
    const pieces = this.#frame(this.#withRead(text), tensors);
    if (pieces.length === 1) {
      this.#socket.write(pieces[0] as Uint8Array);
    } else {
      this.#socket.cork();
      for (const piece of pieces) this.#socket.write(piece);
      this.#socket.uncork();
    }
    if (this.#socket.writableLength > unsentBytesMax) this.kill('it does not read its messages');
  }

  /** Ends the process at once. Safe to call at any time. */
  kill(reason: string): void {
    this.#fault ??= reason;
    this.#child.kill('SIGKILL');
  }

  /** Opens the memory that the worker has made. @returns whether large payloads can go there. */
  shareMemory(paths: readonly string[]): boolean {
    if (this.#regions === null && this.pid !== null && !this.#over) {
      this.#regions = SharedRegions.open(this.pid, paths);
    }
    return this.#regions !== null;
  }

  #frame(text: string, tensors: readonly Uint8Array[]): readonly Uint8Array[] {
    const byteCount = payloadSize(tensors);
    if (this.#regions !== null && byteCount >= sharedBytesMin && byteCount <= sharedBytesMax) {
      const offset = this.#regions.write(payloadPieces(tensors), byteCount);
      if (offset !== null) return [encodeSharedFrame(text, byteCount, offset)];
    }
    return encodeFrame(text, tensors);
  }

  /** The message, with the ranges that were read since the last one. */
  #withRead(text: string): string {
    if (this.#read.length === 0) return text;
    const told = `{"free":[${this.#read.join(',')}],${text.slice(1)}`;
    this.#read = [];
    return told;
  }

  #receive(text: string, payload: Uint8Array | SharedPayload): void {
    const message = JSON.parse(text) as WorkerMessage & { readonly free?: readonly number[] };
    if (message.free !== undefined) {
      for (const offset of message.free) this.#regions?.free(offset);
    }
    const tensors =
      payload instanceof Uint8Array ? new PayloadTensors(payload) : this.#copied(payload);
    this.#options.received(message, tensors);
  }

  /** What the worker wrote, in memory of our own: the worker may write there again. */
  #copied({ offset, byteCount }: SharedPayload): PayloadTensors {
    if (this.#regions === null) throw new Error('a payload in memory that is not shared');
    const payload = this.#memory.allocate(byteCount, 0);
    this.#regions.read(payload, offset);
    this.#read.push(offset);
    return new PayloadTensors(payload, () => this.#memory.recycle(payload));
  }

  #push(reader: FrameReader, chunk: Buffer): void {
    if (this.#over || this.#fault !== null) return;
    try {
      reader.push(chunk);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#options.logger.error(`[${this.#options.label}] broke the protocol: ${text}`);
      this.kill('it broke the protocol');
    }
  }
}
