import { type RequestParameters, TritonError } from '@nereid/protocol';
import { Cancellation } from '../../core/cancellation.ts';
import type { ErrorAnswer, InferResponse, ResponseSink } from '../../core/infer-response.ts';
import type { InferencePort } from '../../core/inference-port.ts';
import type { Logger } from '../../core/logger.ts';
import { parseModelVersion } from '../../core/model-version.ts';
import { publicFailure } from '../../core/public-failure.ts';
import type { Trace } from '../../core/trace.ts';
import type { CallChains } from './call-chains.ts';
import type { WireCall } from './worker-message.ts';
import {
  describeTensors,
  parametersOf,
  type TensorReader,
  wireParameters,
} from './worker-tensors.ts';

/** Calls that one worker may have under way. */
const callsMax = 4096;

type InferCall = Extract<WireCall, { kind: 'infer' }>;
type ControlCall = Exclude<WireCall, InferCall>;

/** What callers are told, in the words of their language. */
export interface CallTexts {
  /** A decoupled model was called in the way that waits for one answer. */
  readonly calledDecoupled: (model: string) => string;
  /** What a call fails with that the server refuses. */
  readonly refused: (model: string, error: TritonError) => TritonError;
}

export interface ModelCallsParts {
  readonly port: InferencePort;
  readonly chains: CallChains;
  /** What the caller is in the middle of, for calls that would wait for themselves. */
  readonly callerChain: () => readonly string[];
  /** The trace of one of the caller's requests; null where it has none, or is answered. */
  readonly traceOf: (request: number) => Trace | null;
  readonly send: (message: object, tensors: readonly Uint8Array[]) => void;
  readonly texts: CallTexts;
  readonly logger: Logger;
}

/** What one instance's model asks the server: inferences of other models, and to load, unload and look for them. */
export class ModelCalls {
  readonly #parts: ModelCallsParts;
  readonly #running = new Map<number, Cancellation>();

  constructor(parts: ModelCallsParts) {
    this.#parts = parts;
  }

  /** Answers in messages of kind `answer` with the call's number. */
  call(message: WireCall, tensors: TensorReader): void {
    if (message.kind === 'infer') this.#infer(message, tensors);
    else void this.#control(message);
  }

  /** @param awaited the caller still takes the answers; otherwise it wants no more of this call. */
  cancel(call: number, awaited: boolean): void {
    const cancellation = this.#running.get(call);
    if (awaited) cancellation?.ask();
    else cancellation?.cancel();
  }

  /** The worker has gone: nobody waits for its calls. */
  abandon(): void {
    const running = [...this.#running.values()];
    this.#running.clear();
    for (const cancellation of running) cancellation.cancel();
  }

  #infer(message: InferCall, tensors: TensorReader): void {
    const cancellation = new Cancellation();
    const version = message.version < 0 ? null : message.version;
    const loading =
      this.#running.size >= callsMax
        ? null
        : this.#parts.port.summon(message.model, version, cancellation);
    if (loading === null) {
      this.#start(message, tensors, cancellation);
      return;
    }
    this.#running.set(message.call, cancellation);
    const kept = tensors.kept();
    const start = (): void => {
      if (this.#running.delete(message.call)) this.#start(message, kept, cancellation);
    };
    // Why it was not loaded is told as a model that is not ready, and in the log.
    loading.then(start, start);
  }

  #start(message: InferCall, tensors: TensorReader, cancellation: Cancellation): void {
    const { port, chains, callerChain, traceOf, texts } = this.#parts;
    const sink = new CallSink(message.call, (answer, outputs, final) => {
      if (final && !this.#running.delete(message.call)) return;
      if (this.#running.has(message.call) || final) this.#parts.send(answer, outputs);
    });
    const version = message.version < 0 ? null : message.version;
    try {
      if (this.#running.size >= callsMax) {
        throw new TritonError('UNAVAILABLE', `more than ${callsMax} calls are under way`);
      }
      this.#running.set(message.call, cancellation);
      const target = port.find(message.model, version);
      if (target === null) {
        const text = `Failed for execute the inference request. Model '${message.model}' is not ready.`;
        throw new TritonError('INTERNAL', text);
      }
      if (target.decoupled && !message.decoupled) {
        throw new TritonError('INTERNAL', texts.calledDecoupled(message.model));
      }
      chains.enter(cancellation, callerChain(), target);
      const inputs = tensors.take(message.tensors);
      const request = {
        id: message.id,
        parameters: requestParameters(message),
        inputs,
        rawInput: null,
        outputs: message.outputs.map((name) => ({
          name,
          binary: true,
          classificationCount: 0,
          sharedMemory: null,
        })),
      };
      const trace = traceOf(message.trace)?.child() ?? null;
      port.infer(message.model, version, request, cancellation, sink, trace);
    } catch (failure) {
      const error = publicFailure(failure, 'a call of a model', this.#parts.logger);
      this.#running.set(message.call, cancellation);
      sink.fail(texts.refused(message.model, error));
    }
  }

  async #control(message: ControlCall): Promise<void> {
    const { send, logger } = this.#parts;
    const answer = (rest: object): void =>
      send({ kind: 'answer', call: message.call, final: true, ...rest }, []);
    try {
      answer({ error: null, ...(await this.#controlled(message)) });
    } catch (failure) {
      const error = publicFailure(failure, 'a call of a model', logger);
      answer({ error: { code: error.code, message: error.message } });
    }
  }

  async #controlled(message: ControlCall): Promise<object> {
    const { port } = this.#parts;
    if (message.kind === 'ready') {
      const version = parseModelVersion(message.version);
      return { ready: port.find(message.model, version) !== null };
    }
    if (message.kind === 'unload') {
      await port.unload(message.model, message.dependents);
      return {};
    }
    const files = message.files.map(([path, content]): [string, Uint8Array] => [
      path.startsWith('file:') ? path.slice('file:'.length) : path,
      Buffer.from(content, 'base64'),
    ]);
    await port.load(message.model, message.config === '' ? null : message.config, new Map(files));
    return {};
  }
}

/** Sends the answers of a called model to the worker. */
class CallSink implements ResponseSink {
  readonly #call: number;
  readonly #send: (answer: object, tensors: readonly Uint8Array[], final: boolean) => void;

  constructor(
    call: number,
    send: (answer: object, tensors: readonly Uint8Array[], final: boolean) => void,
  ) {
    this.#call = call;
    this.#send = send;
  }

  respond(response: InferResponse | null, final: boolean): void {
    const outputs = response?.outputs ?? [];
    const answer = {
      kind: 'answer',
      call: this.#call,
      final,
      tensors: describeTensors(outputs),
      parameters: wireParameters(response?.parameters ?? new Map()),
    };
    this.#send(
      answer,
      outputs.map(({ data }) => data),
      final,
    );
  }

  fail({ code, message }: TritonError, given?: ErrorAnswer): void {
    const final = given?.final !== false;
    const error = { code, message };
    this.#send({ kind: 'answer', call: this.#call, final, error }, [], final);
  }
}

function requestParameters(message: InferCall): RequestParameters {
  const { correlation, correlationIsText, flags, timeout } = message;
  const none = correlation === '' || correlation === '0';
  return {
    sequenceId: none ? null : correlationIsText ? correlation : integer(correlation),
    sequenceStart: (flags & 1) !== 0,
    sequenceEnd: (flags & 2) !== 0,
    priority: 0,
    timeoutUs: integer(timeout),
    binaryDataOutput: true,
    custom: parametersOf(message.parameters),
  };
}

function integer(digits: string): number | bigint {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : BigInt(digits);
}
