import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads';
import type { Clock } from '../../core/clock.ts';
import type { InferRequest } from '../../core/infer-request.ts';
import type { Logger } from '../../core/logger.ts';
import type { NumberedRequest } from '../worker/open-request.ts';
import { sequenceFlags } from '../worker/sequence-flags.ts';
import type { ChannelListener, WorkerChannel } from '../worker/worker-life.ts';
import type { WorkerMessage } from '../worker/worker-message.ts';
import { WorkerOutput } from '../worker/worker-output.ts';
import { describeTensors, type TensorReader, wireParameters } from '../worker/worker-tensors.ts';
import { type FlatList, flatRequests, readResponses } from './flat-messages.ts';
import { readResult, sendBatch } from './link/batch-entries.ts';
import { LinkEnd } from './link/link-end.ts';
import { type LinkMemory, linkDirection, newLinkMemory } from './link/link-memory.ts';
import { TensorMemory } from './link/tensor-memory.ts';
import { QuickAnswers } from './quick-answers.ts';
import { PackReader, packTensors, type ThreadPost } from './tensor-pack.ts';
import type { ThreadCode } from './thread-code.ts';
import type { ThreadRequest } from './thread-message.ts';

export interface ThreadChannelOptions extends ChannelListener {
  readonly code: ThreadCode;
  readonly heapMegabytesMax: number;
  /** The model has no other instance. */
  readonly alone: boolean;
  /** Before each line of the model in the log, and the name of the thread. */
  readonly label: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A thread that runs a model, and the port to it. It ends with this process at the latest. */
export class ThreadChannel implements WorkerChannel {
  readonly pid = null;
  readonly lastErrorLine = '';
  /** Resolves when the thread is gone. */
  readonly ended: Promise<void>;
  readonly #options: ThreadChannelOptions;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #link: LinkEnd<Received>;
  readonly #quickAnswers: QuickAnswers;
  /** More has come than is handed out in one turn of the event loop. */
  #planned = false;
  #fault: string | null = null;
  #over = false;

  constructor(options: ThreadChannelOptions) {
    this.#options = options;
    const { code, heapMegabytesMax, label, alone } = options;
    this.#quickAnswers = new QuickAnswers(alone);
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const memory = newLinkMemory();
    this.#link = this.#newLink(memory);
    this.#worker = new Worker(code.script, {
      name: label,
      execArgv: [...code.execArgv],
      workerData: { port: port2, memory, packageUrl: code.packageUrl, hooksUrl: code.hooksUrl },
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
      // What does not go through `console` or `write`: the last words of a crash.
      stdout: true,
      stderr: true,
    });
    this.#log();
    this.#port.on('message', (message) => this.#receive(() => this.#link.fromPort(message)));
    // The model's own `parentPort` leads nowhere, and fills nothing up.
    this.#worker.on('message', () => {});
    this.#worker.on('error', (error: Error) => {
      this.#fault ??= failureText(error);
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (status) => {
        this.#ended(`it ended by itself with status ${status}`);
        resolve();
      });
    });
  }

  send(message: object, tensors: readonly Uint8Array[] = []): void {
    if (this.#over) return;
    const { packed, large, transfer } = packTensors(tensors);
    this.#link.post([message, packed, large], transfer);
  }

  execute(batch: number, requests: readonly NumberedRequest[]): void {
    if (this.#over || sendBatch(this.#link, batch, requests)) return;
    const tensors: Uint8Array[] = [];
    for (const { request } of requests) {
      for (const { data } of request.inputs) tensors.push(data);
    }
    const list = flatRequests(requests.map(threadRequest));
    this.send({ kind: 'execute', batch, requests: list }, tensors);
  }

  waitShortly(requestCount: number): void {
    const waitMs = this.#link.receiverIsQuick ? this.#quickAnswers.waitMs(requestCount) : 0;
    if (waitMs === 0 || this.#over) return;
    const came = this.#link.waitFor(waitMs);
    this.#quickAnswers.waited(came);
    this.#receive(() => {});
  }

  kill(reason: string): void {
    this.#fault ??= reason;
    void this.#worker.terminate();
  }

  #log(): void {
    const { clock, logger, label } = this.#options;
    const writeLine = (line: string): void => logger.info(`[${label}] ${line}`);
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) {
      new WorkerOutput({ stream, clock, writeLine });
    }
  }

  #newLink(memory: LinkMemory): LinkEnd<Received> {
    const tensorMemory = new TensorMemory();
    return new LinkEnd<Received>({
      port: this.#port,
      outgoing: linkDirection(memory, 'toThread'),
      incoming: linkDirection(memory, 'toServer'),
      ofPost: (post) => ({ message: messageOf(post), tensors: new PackReader(post) }),
      ofEntry: (entry, names) => {
        const { message, executeUs } = readResult(entry, names, tensorMemory);
        this.#quickAnswers.executed(message.responses.length, executeUs);
        return { message, tensors: noTensors };
      },
      received: ({ message, tensors }) => {
        if (!this.#over) this.#options.received(message, tensors);
      },
    });
  }

  /** Hands out what has come, and lets the port wake this end for more. */
  #receive(first: () => void): void {
    if (this.#over) return;
    try {
      first();
      this.#link.drain();
      if (this.#link.hasMore || !this.#link.rest()) this.#receiveLater();
    } catch (error) {
      const { logger, label } = this.#options;
      const text = error instanceof Error ? error.message : String(error);
      logger.error(`[${label}] broke the protocol: ${text}`);
      this.kill('it broke the protocol');
    }
  }

  #receiveLater(): void {
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.#receive(() => this.#link.atWork());
    });
  }

  #ended(reason: string): void {
    // What it sent before its end still counts.
    for (;;) {
      const left = receiveMessageOnPort(this.#port) as { message: unknown } | undefined;
      this.#receive(() => this.#link.fromPort(left?.message ?? null));
      if (left === undefined) break;
    }
    this.#over = true;
    this.#port.close();
    this.#options.ended(this.#fault ?? reason);
  }
}

/** What came, with the tensors that are not in the message. */
interface Received {
  readonly message: WorkerMessage;
  readonly tensors: TensorReader;
}

/** Of an entry of the ring, whose tensors are in its responses. */
const noTensors = new PackReader([{}, null, []]);

/** The message, with its responses as objects. */
function messageOf([message]: ThreadPost): WorkerMessage {
  const given = message as WorkerMessage;
  if (given.kind !== 'result') return given;
  return { ...given, responses: readResponses(given.responses as FlatList) };
}

function threadRequest({ number, request }: NumberedRequest): ThreadRequest {
  const { sequenceId, timeoutUs, custom } = request.parameters;
  return {
    number,
    id: request.id,
    batchSize: request.batchSize,
    correlationId: sequenceId ?? 0,
    flags: sequenceFlags(request.parameters),
    timeoutUs,
    parameters: custom.size === 0 ? null : wireParameters(custom),
    outputNames: request.outputNames,
    inputs: describeTensors(request.inputs as InferRequest['inputs']),
  };
}

/** Why a thread has failed, with Node's name of the failure where it has one. */
function failureText(error: Error & { code?: string }): string {
  if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return 'its heap is full (max_heap_megabytes is the limit)';
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `it threw outside of a request: ${text}`;
}
