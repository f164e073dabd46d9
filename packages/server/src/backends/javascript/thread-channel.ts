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
import type { ChannelListener, WorkerChannel } from '../worker/worker-life.ts';
import type { WorkerMessage } from '../worker/worker-message.ts';
import { WorkerOutput } from '../worker/worker-output.ts';
import { describeTensors, wireParameters } from '../worker/worker-tensors.ts';
import { type FlatList, flatRequests, readResponses } from './flat-messages.ts';
import { PackReader, packTensors, type ThreadPost } from './tensor-pack.ts';
import type { ThreadCode } from './thread-code.ts';
import type { ThreadRequest } from './thread-message.ts';

export interface ThreadChannelOptions extends ChannelListener {
  readonly code: ThreadCode;
  readonly heapMegabytesMax: number;
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
  #fault: string | null = null;
  #over = false;

  constructor(options: ThreadChannelOptions) {
    this.#options = options;
    const { code, heapMegabytesMax, label } = options;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(code.script, {
      name: label,
      execArgv: [...code.execArgv],
      workerData: { port: port2, packageUrl: code.packageUrl, hooksUrl: code.hooksUrl },
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
      // What does not go through `console` or `write`: the last words of a crash.
      stdout: true,
      stderr: true,
    });
    this.#log();
    this.#port.on('message', (post: ThreadPost) => this.#receive(post));
    // The model's own `parentPort` leads nowhere, and fills nothing up.
    this.#worker.on('message', () => {});
    this.#worker.on('error', (error: Error) => {
      this.#fault ??= failureText(error);
    });
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', (status) => {
        this.#end(`it ended by itself with status ${status}`);
        resolve();
      });
    });
  }

  send(message: object, tensors: readonly Uint8Array[] = []): void {
    if (this.#over) return;
    const { packed, large, transfer } = packTensors(tensors);
    this.#port.postMessage([message, packed, large], transfer);
  }

  execute(batch: number, requests: readonly NumberedRequest[]): void {
    const tensors: Uint8Array[] = [];
    for (const { request } of requests) {
      for (const { data } of request.inputs) tensors.push(data);
    }
    const list = flatRequests(requests.map(threadRequest));
    this.send({ kind: 'execute', batch, requests: list }, tensors);
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

  #receive(post: ThreadPost): void {
    if (this.#over) return;
    try {
      this.#options.received(messageOf(post), new PackReader(post));
    } catch (error) {
      const { logger, label } = this.#options;
      const text = error instanceof Error ? error.message : String(error);
      logger.error(`[${label}] broke the protocol: ${text}`);
      this.kill('it broke the protocol');
    }
  }

  #end(reason: string): void {
    // What it sent before its end still counts.
    for (;;) {
      const left = receiveMessageOnPort(this.#port) as { message: ThreadPost } | undefined;
      if (left === undefined) break;
      this.#receive(left.message);
    }
    this.#over = true;
    this.#port.close();
    this.#options.ended(this.#fault ?? reason);
  }
}

/** The message, with its responses as objects. */
function messageOf([message]: ThreadPost): WorkerMessage {
  const given = message as WorkerMessage;
  if (given.kind !== 'result') return given;
  return { ...given, responses: readResponses(given.responses as FlatList) };
}

function threadRequest({ number, request }: NumberedRequest): ThreadRequest {
  const { sequenceId, sequenceStart, sequenceEnd, timeoutUs, custom } = request.parameters;
  return {
    number,
    id: request.id,
    batchSize: request.batchSize,
    correlationId: sequenceId ?? 0,
    flags: (sequenceStart ? 1 : 0) + (sequenceEnd ? 2 : 0),
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
