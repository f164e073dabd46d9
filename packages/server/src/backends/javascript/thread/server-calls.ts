import {
  type CallAnswer,
  type CallOptions,
  type DataType,
  type ErrorCode,
  type InputTensor,
  type ModelControl,
  type Parameters,
  TritonError,
} from '@nereid/model';
import type { PackReader } from '../tensor-pack.ts';
import type { ThreadAnswer } from '../thread-message.ts';
import { GivenRequest, parametersObject, parametersWire } from './given-request.ts';
import { GivenTensor, tensorNamed } from './given-tensor.ts';
import { encodeTensor } from './output-bytes.ts';
import type { ServerPort } from './server-port.ts';

/** Takes one answer of a call. */
export type AnswerListener = (answer: ThreadAnswer, tensors: PackReader) => void;

/** What the model asks of the server, and who waits for the answers. */
export class ServerCalls {
  readonly #port: ServerPort;
  readonly #waiting = new Map<number, AnswerListener>();
  #nextCall = 1;

  constructor(port: ServerPort) {
    this.#port = port;
  }

  /** @returns the call's number, for which `listener` is told of answers until `forget`. */
  open(listener: AnswerListener): number {
    const call = this.#nextCall++;
    this.#waiting.set(call, listener);
    return call;
  }

  forget(call: number): void {
    this.#waiting.delete(call);
  }

  answered(answer: ThreadAnswer, tensors: PackReader): void {
    this.#waiting.get(answer.call)?.(answer, tensors);
  }

  /** A call that is answered once. @throws TritonError with what the answer says. */
  ask(send: (call: number) => void): Promise<ThreadAnswer> {
    return new Promise((resolve, reject) => {
      const call = this.open((answer) => {
        this.forget(call);
        if (answer.error == null) resolve(answer);
        else reject(errorOf(answer.error));
      });
      send(call);
    });
  }

  async infer(model: string, options: CallOptions): Promise<CallAnswer> {
    const answers = new CallAnswers(this, this.#port, model, options, false);
    // One answer, and the end with it.
    const answer = await answers.next();
    answers.end();
    if (answer === null) {
      throw new TritonError('INTERNAL', `model '${model}' ended without an answer`);
    }
    return answer;
  }

  async *stream(model: string, options: CallOptions): AsyncGenerator<CallAnswer, void, undefined> {
    const answers = new CallAnswers(this, this.#port, model, options, true);
    try {
      for (;;) {
        const answer = await answers.next();
        if (answer === null) return;
        yield answer;
      }
    } finally {
      answers.end();
    }
  }

  /** The repository as the model may use it. */
  control(): ModelControl {
    return {
      load: async (model, { config = '', files = {} } = {}) => {
        const encoded = Object.entries(files).map(
          ([path, bytes]) => [path, Buffer.from(bytes).toString('base64')] as const,
        );
        await this.ask((call) =>
          this.#port.post({ kind: 'load', call, model, config, files: encoded }),
        );
      },
      unload: async (model, { dependents = false } = {}) => {
        await this.ask((call) => this.#port.post({ kind: 'unload', call, model, dependents }));
      },
      isReady: async (model, version) => {
        const text = version === undefined ? '' : String(version);
        const answer = await this.ask((call) =>
          this.#port.post({ kind: 'ready', call, model, version: text }),
        );
        return answer.ready === true;
      },
    };
  }
}

/** The answers to one call of another model, in their order. */
class CallAnswers {
  readonly #calls: ServerCalls;
  readonly #port: ServerPort;
  readonly #call: number;
  readonly #signals: AbortSignal[];
  readonly #abort = (): void => this.#cancel();
  readonly #arrived: (CallAnswer | TritonError)[] = [];
  #complete = false;
  #wake: (() => void) | null = null;

  constructor(
    calls: ServerCalls,
    port: ServerPort,
    model: string,
    options: CallOptions,
    decoupled: boolean,
  ) {
    this.#calls = calls;
    this.#port = port;
    this.#call = calls.open((answer, tensors) => this.#received(answer, tensors));
    this.#signals = [options.signal, options.parent?.signal].filter((signal) => signal != null);
    try {
      this.#send(model, options, decoupled);
    } catch (error) {
      calls.forget(this.#call);
      throw error;
    }
    for (const signal of this.#signals) {
      signal.addEventListener('abort', this.#abort);
      if (signal.aborted) this.#cancel();
    }
  }

  /** Null after the last. @throws TritonError */
  async next(): Promise<CallAnswer | null> {
    while (this.#arrived.length === 0 && !this.#complete) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const next = this.#arrived.shift() ?? null;
    if (next instanceof TritonError) throw next;
    return next;
  }

  /** No more answers are wanted. */
  end(): void {
    if (!this.#complete) this.#cancel();
    this.#calls.forget(this.#call);
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#abort);
  }

  #send(model: string, options: CallOptions, decoupled: boolean): void {
    const tensors = options.inputs.map((input) => encodeTensor(input, null));
    const { correlationId = 0, parent } = options;
    this.#port.post(
      {
        kind: 'infer',
        call: this.#call,
        model,
        version: options.version ?? -1,
        decoupled,
        id: options.id ?? '',
        correlation: String(correlationId),
        correlationIsText: typeof correlationId === 'string',
        flags: (options.sequenceStart === true ? 1 : 0) + (options.sequenceEnd === true ? 2 : 0),
        timeout: String(options.timeoutUs ?? 0),
        parameters: parametersWire(options.parameters ?? {}),
        trace: parent instanceof GivenRequest ? parent.number : 0,
        outputs: options.outputs ?? [],
        tensors: tensors.map(({ description }) => description),
      },
      tensors.map(({ bytes }) => bytes),
    );
  }

  #received(answer: ThreadAnswer, tensors: PackReader): void {
    if (answer.final === true) this.#complete = true;
    if (answer.error != null) {
      this.#arrived.push(errorOf(answer.error));
      this.#complete = true;
    } else if (answer.tensors !== undefined && answer.tensors.length > 0) {
      this.#arrived.push(new GivenAnswer(answer, tensors));
    }
    this.#wake?.();
    this.#wake = null;
  }

  #cancel(): void {
    this.#port.post({ kind: 'cancel-call', call: this.#call });
  }
}

class GivenAnswer implements CallAnswer {
  readonly outputs: readonly GivenTensor[];
  readonly parameters: Parameters;

  constructor(answer: ThreadAnswer, tensors: PackReader) {
    this.outputs = tensors.take(answer.tensors ?? []).map((tensor) => new GivenTensor(tensor));
    this.parameters = parametersObject(answer.parameters ?? []);
  }

  output<T extends DataType = DataType>(name: string, dataType?: T): InputTensor<T> {
    return tensorNamed(this.outputs, 'output', name, dataType);
  }
}

function errorOf({ code, message }: { code: string; message: string }): TritonError {
  return new TritonError(code as ErrorCode, message);
}
