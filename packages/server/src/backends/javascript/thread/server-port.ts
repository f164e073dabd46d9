import type { MessagePort } from 'node:worker_threads';
import type { WorkerMessage } from '../../worker/worker-message.ts';
import { flatResponses } from '../flat-messages.ts';
import { packTensors } from '../tensor-pack.ts';

/** The thread's way to the server. */
export class ServerPort {
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** @param movable Tells of a large tensor that its memory may be handed over. */
  post(
    message: WorkerMessage,
    tensors: readonly Uint8Array[] = [],
    movable?: (index: number) => boolean,
  ): void {
    const { packed, large, transfer } = packTensors(tensors, movable);
    const sent =
      message.kind === 'result'
        ? { ...message, responses: flatResponses(message.responses) }
        : message;
    this.#port.postMessage([sent, packed, large], transfer);
  }
}
