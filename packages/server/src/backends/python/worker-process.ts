import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { readSocket } from '@nereid/transport';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { SharedBlocks } from '../../memory/shared-blocks.ts';
import type { NumberedRequest } from '../worker/open-request.ts';
import type { ChannelListener, WorkerChannel } from '../worker/worker-life.ts';
import type { TensorDescription, WorkerMessage } from '../worker/worker-message.ts';
import { WorkerOutput } from '../worker/worker-output.ts';
import { AnswerForms } from './answer-forms.ts';
import { AnswerRegion } from './answer-region.ts';
import { encodeExecuteNumbers } from './execute-numbers.ts';
import { payloadPieces, payloadSize } from './payload-places.ts';
import { PayloadTensors } from './payload-tensors.ts';
import { afterQuietTurn } from './quiet-turn.ts';
import { RequestForms } from './request-forms.ts';
import { executeText } from './request-text.ts';
import { SharedTensors } from './shared-tensors.ts';
import { startProcess } from './start-process.ts';
import { encodeFrame, encodeSharedFrame, FrameReader, type SharedPayload } from './worker-frame.ts';

/** Beyond this, before what comes now, however large that is, a worker does not read what it asks for. */
const unsentBytesMax = 1024 * 1024 * 1024;

/** Where a worker finds the server's memory, if it is given any. */
const sharedDescriptor = 4;

export interface WorkerProcessOptions extends ChannelListener {
  /** The interpreter. */
  readonly python: string;
  /** `nereid_worker/__main__.py`. */
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Memory for large tensors. */
  readonly blocks: SharedBlocks;
  /** Before each line of the model in the log. */
  readonly label: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A worker's first word. */
export type WorkerGreeting = Extract<WorkerMessage, { kind: 'hello' }>;

/** What a frame says beside its message. */
interface FrameMembers {
  /** Ranges of shared memory that were read. */
  readonly free?: readonly number[];
  /** What the forms of the message's requests or responses are called from here on. */
  readonly forms?: readonly (number | null)[];
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
  readonly #shared: SharedTensors;
  /** Whether the worker has the server's memory: where not, the socket carries all that it is sent. */
  #shares = false;
  /** What the worker sends of large payloads; null where the socket carries them all. */
  #region: AnswerRegion | null = null;
  readonly #requestForms = new RequestForms();
  readonly #answerForms = new AnswerForms();
  /** Ranges of the worker's region that were read, which it is told with the next message. */
  #read: number[] = [];
  #fault: string | null = null;
  #over = false;

  /** @throws Error where no process can be started. */
  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    this.#shared = new SharedTensors(options.blocks, options.clock);
    this.#child = startWorker(options);
    this.#socket = this.#child.stdio[3] as Socket;
    this.#logged(this.#child.stdout);
    this.#errors = this.#logged(this.#child.stderr);
    this.#readMessages();
    this.ended = new Promise((resolve) => this.#watchEnd(resolve));
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
    const grant = this.#shares ? this.#shared.grant(batch) : null;
    const plain = grant === null && this.#read.length === 0;
    const forms = plain ? this.#requestForms.of(requests) : null;
    if (forms !== null) {
      this.#send([encodeExecuteNumbers(batch, requests, forms)]);
      return;
    }
    const sent: Uint8Array[] = [];
    const describe = ({ request, ownsInputs }: NumberedRequest): TensorDescription[] =>
      request.inputs.map(({ name, dataType, shape, data }) => {
        const place = ownsInputs && this.#shares ? this.#shared.give(data) : null;
        if (place !== null) return [name, dataType, shape, data.byteLength, place];
        sent.push(data);
        return [name, dataType, shape, data.byteLength];
      });
    const range = grant === null ? null : ([grant.place, grant.memory.length] as const);
    const text = executeText(batch, requests, describe, range);
    this.#write(withMember(text, 'forms', this.#requestForms.learn(requests)), sent);
  }

  /** @param text JSON with `kind` */
  #write(text: string, tensors: readonly Uint8Array[]): void {
    if (this.#over || this.#fault !== null) return;
    this.#send(this.#frame(this.#withRead(text), tensors));
  }

  #send(pieces: readonly Uint8Array[]): void {
    if (this.#over || this.#fault !== null) return;
    const unsent = this.#socket.writableLength;
    if (pieces.length === 1) {
      this.#socket.write(pieces[0] as Uint8Array);
    } else {
      this.#socket.cork();
      for (const piece of pieces) this.#socket.write(piece);
      this.#socket.uncork();
    }
    if (unsent > unsentBytesMax) this.kill('it does not read its messages');
  }

  /** Ends the process at once. Safe to call at any time. */
  kill(reason: string): void {
    this.#fault ??= reason;
    this.#child.kill('SIGKILL');
  }

  /** The worker has said what memory it has. @returns whether what it leaves in its own can be read */
  share({ region, shares }: WorkerGreeting): boolean {
    if (this.pid === null || this.#over) return false;
    this.#shares = shares;
    if (region !== null) this.#region = AnswerRegion.open(this.pid, region);
    return this.#region !== null;
  }

  #logged(stream: Readable | null): WorkerOutput {
    if (stream === null) throw new Error('a worker without output');
    const { clock, logger, label } = this.#options;
    return new WorkerOutput({
      stream,
      clock,
      writeLine: (line) => logger.info(`[${label}] ${line}`),
    });
  }

  #readMessages(): void {
    const reader = new FrameReader({
      text: (text, payload) => this.#receive(text, payload),
      numbers: (numbers, payload) => this.#receiveNumbers(numbers, payload),
    });
    readSocket(this.#socket, {
      read: (bytes) => this.#push(reader, bytes),
      readTarget: () => null,
      readInPlace: () => {},
    });
    // The end of the process tells; a broken pipe is only its first sign.
    this.#socket.on('error', () => {});
  }

  #watchEnd(ended: () => void): void {
    const end = (reason: string): void => {
      if (this.#over) return;
      this.#over = true;
      this.#socket.destroy();
      this.#region?.close();
      this.#region = null;
      this.#shared.close();
      this.#options.blocks.release();
      this.#options.ended(this.#fault ?? reason);
      ended();
    };
    this.#child.on('error', (error) => end(error.message));
    // After `exit` there may still be messages to read; `close` waits for all streams, which a
    // process that the model has started may hold open.
    this.#child.on('exit', (status, signal) => {
      const reason = signal === null ? `status ${status}` : `signal ${signal}`;
      afterQuietTurn(
        () => this.#bytesRead(),
        () => end(reason),
      );
    });
  }

  #bytesRead(): number {
    const { stdout, stderr } = this.#child as ChildProcess & Record<'stdout' | 'stderr', Socket>;
    return this.#socket.bytesRead + stdout.bytesRead + stderr.bytesRead;
  }

  #frame(text: string, tensors: readonly Uint8Array[]): readonly Uint8Array[] {
    if (this.#shares) {
      const byteCount = payloadSize(tensors);
      const place = this.#shared.giveCopy(payloadPieces(tensors), byteCount);
      if (place !== null) return [encodeSharedFrame(text, byteCount, place)];
    }
    return encodeFrame(text, tensors);
  }

  /** The message, with the ranges that were read since the last one. */
  #withRead(text: string): string {
    if (this.#read.length === 0) return text;
    const told = withMember(text, 'free', this.#read);
    this.#read = [];
    return told;
  }

  #receiveNumbers(numbers: Buffer, payload: Uint8Array): void {
    const message = this.#answerForms.result(numbers);
    this.#shared.answered(message.batch, 0, false);
    this.#options.received(message, new PayloadTensors(payload, this.#shared));
  }

  #receive(text: string, payload: Uint8Array | SharedPayload): void {
    const message = JSON.parse(text) as (WorkerMessage | { readonly kind: 'freed' }) & FrameMembers;
    if (message.kind !== 'freed') {
      this.#learn(message);
      this.#options.received(message, this.#tensors(message, payload));
    }
    // Only now: answers may be in the memory of tensors that the worker needs no longer.
    for (const place of message.free ?? []) this.#shared.letGo(place);
  }

  #learn(message: WorkerMessage & FrameMembers): void {
    if (message.forms === undefined || message.kind !== 'result') return;
    this.#answerForms.learn(message.forms, message);
  }

  #tensors(message: WorkerMessage, payload: Uint8Array | SharedPayload): PayloadTensors {
    const inline = payload instanceof Uint8Array;
    if (message.kind === 'result') {
      const granted = !inline && payload.granted;
      const byteCount = inline ? 0 : payload.byteCount;
      const memory = this.#shared.answered(message.batch, byteCount, granted);
      if (memory !== null) return this.#recycled(memory);
    }
    return inline ? new PayloadTensors(payload, this.#shared) : this.#copied(payload);
  }

  /** What the worker wrote, in memory of our own: the worker may write there again. */
  #copied({ offset, byteCount }: SharedPayload): PayloadTensors {
    if (this.#region === null) throw new Error('a payload in memory that is not shared');
    const payload = this.#shared.memory.allocate(byteCount, 0);
    this.#region.read(payload, offset);
    this.#read.push(offset);
    return this.#recycled(payload);
  }

  #recycled(payload: Buffer): PayloadTensors {
    return new PayloadTensors(payload, this.#shared, () => this.#shared.memory.recycle(payload));
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

function startWorker({ python, script, environment, blocks }: WorkerProcessOptions): ChildProcess {
  const shared = blocks.acquire();
  try {
    // Unbuffered, so that what a model prints before it crashes is not lost.
    return startProcess(python, ['-u', script], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...(shared === null ? [] : [shared])],
      env: {
        ...process.env,
        ...environment,
        NEREID_WORKER_PARENT: String(process.pid),
        NEREID_WORKER_SHARED: shared === null ? '' : `${sharedDescriptor} ${blocks.byteLength}`,
      },
    });
  } catch (error) {
    blocks.release();
    throw error;
  }
}

/** The JSON text of an object with one more member. */
function withMember(text: string, name: string, value: readonly (number | null)[]): string {
  return `{"${name}":${JSON.stringify(value)},${text.slice(1)}`;
}
