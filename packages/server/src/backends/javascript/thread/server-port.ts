import type { MessagePort } from 'node:worker_threads';
import type { WorkerMessage } from '../../worker/worker-message.ts';
import { flatResponses } from '../flat-messages.ts';
import { readBatch, sendResult } from '../link/batch-entries.ts';
import { LinkEnd } from '../link/link-end.ts';
import { type LinkMemory, linkDirection } from '../link/link-memory.ts';
import { TensorMemory } from '../link/tensor-memory.ts';
import { PackReader, packTensors, type ThreadPost } from '../tensor-pack.ts';
import type { ThreadMessage } from '../thread-message.ts';
import { type GivenBatch, givenBatch } from './given-batch.ts';
import { GivenRequest } from './given-request.ts';
import { MessageLoop } from './message-loop.ts';

export type ServerMessage = Exclude<ThreadMessage, { kind: 'execute' }>;

/** Takes what the server says: a batch to execute, or anything else. */
export interface ServerListener {
  execute(batch: GivenBatch): void;
  received(message: ServerMessage, tensors: PackReader): void;
}

type Received = GivenBatch | ThreadPost;

/** The thread's way to the server. */
export class ServerPort {
  readonly #end: LinkEnd<Received>;
  readonly #loop: MessageLoop;
  #listener: ServerListener | null = null;
  #batchStartMs = 0;

  constructor(port: MessagePort, memory: LinkMemory) {
    const tensorMemory = new TensorMemory();
    this.#end = new LinkEnd<Received>({
      port,
      outgoing: linkDirection(memory, 'toServer'),
      incoming: linkDirection(memory, 'toThread'),
      ofPost: (post) => post,
      ofEntry: (entry, names) => {
        const { batch, requests } = readBatch(entry, names, tensorMemory);
        const given = requests.map((request) => new GivenRequest(request, request.inputs));
        return { batch, requests: given };
      },
      received: (message) => this.#received(message),
    });
    this.#loop = new MessageLoop(this.#end);
    port.on('message', (message) => this.#loop.woken(message));
  }

  /** @param listener Told of all that comes. */
  listen(listener: ServerListener): void {
    this.#listener = listener;
  }

  /** @param movable Tells of a large tensor that its memory may be handed over. */
  post(
    message: WorkerMessage,
    tensors: readonly Uint8Array[] = [],
    movable?: (index: number) => boolean,
  ): void {
    if (message.kind === 'result' && message.error === null) {
      const executeUs = (performance.now() - this.#batchStartMs) * 1000;
      if (sendResult(this.#end, message, tensors, executeUs)) return;
    }
    const { packed, large, transfer } = packTensors(tensors, movable);
    const sent =
      message.kind === 'result'
        ? { ...message, responses: flatResponses(message.responses) }
        : message;
    this.#end.post([sent, packed, large], transfer);
  }

  /** The model is through with a batch. */
  batchEnded(): void {
    this.#loop.batchEnded();
  }

  #received(message: Received): void {
    if ('batch' in message) {
      this.#execute(message);
      return;
    }
    const said = message[0] as ThreadMessage;
    if (said.kind === 'execute') this.#execute(givenBatch(said, message));
    else this.#listener?.received(said, new PackReader(message));
  }

  #execute(batch: GivenBatch): void {
    this.#batchStartMs = performance.now();
    this.#loop.batchBegun();
    this.#listener?.execute(batch);
  }
}
