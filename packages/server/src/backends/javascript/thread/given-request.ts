import type { DataType, InferenceRequest, InputTensor, Parameters } from '@nereid/model';
import type { Tensor } from '@nereid/protocol';
import type { WireParameter } from '../../worker/worker-message.ts';
import type { ThreadRequest } from '../thread-message.ts';
import { GivenTensor, tensorNamed } from './given-tensor.ts';

const noParameters: Parameters = Object.freeze({});

/** A request as the model sees it. */
export class GivenRequest implements InferenceRequest {
  readonly #wire: Omit<ThreadRequest, 'inputs'>;
  readonly inputs: readonly GivenTensor[];
  #abort: AbortController | null = null;
  #cancelled = false;

  constructor(wire: Omit<ThreadRequest, 'inputs'>, inputs: readonly Tensor[]) {
    this.#wire = wire;
    this.inputs = inputs.map((tensor) => new GivenTensor(tensor));
  }

  /** The number under which its answers go. */
  get number(): number {
    return this.#wire.number;
  }

  get id(): string {
    return this.#wire.id;
  }

  get outputNames(): readonly string[] {
    return this.#wire.outputNames;
  }

  get batchSize(): number {
    return this.#wire.batchSize;
  }

  get correlationId(): number | bigint | string {
    return this.#wire.correlationId;
  }

  get sequenceStart(): boolean {
    return (this.#wire.flags & 1) !== 0;
  }

  get sequenceEnd(): boolean {
    return (this.#wire.flags & 2) !== 0;
  }

  get timeoutUs(): number | bigint {
    return this.#wire.timeoutUs;
  }

  get parameters(): Parameters {
    const { parameters } = this.#wire;
    return parameters === null ? noParameters : parametersObject(parameters);
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#cancelled) this.#abort.abort();
    return this.#abort.signal;
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  input<T extends DataType = DataType>(name: string, dataType?: T): InputTensor<T> {
    return tensorNamed(this.inputs, 'input', name, dataType);
  }

  /** Nobody waits for its answer any more. */
  cancel(): void {
    this.#cancelled = true;
    this.#abort?.abort();
  }
}

/** Parameters as a plain object. Whole numbers that a number cannot hold are bigints. */
export function parametersObject(wire: readonly WireParameter[]): Parameters {
  const parameters: Record<string, string | number | bigint | boolean> = Object.create(null);
  for (const [name, kind, value] of wire) {
    if (kind !== 'int') parameters[name] = value;
    else parameters[name] = Number.isSafeInteger(Number(value)) ? Number(value) : BigInt(value);
  }
  return parameters;
}

/** The reverse. @throws TypeError for a value that is none of a parameter. */
export function parametersWire(parameters: Parameters): WireParameter[] {
  return Object.entries(parameters).map(([name, value]): WireParameter => {
    if (typeof value === 'string') return [name, 'string', value];
    if (typeof value === 'boolean') return [name, 'bool', value];
    if (typeof value === 'bigint') return [name, 'int', String(value)];
    if (typeof value !== 'number') {
      throw new TypeError(`parameter '${name}' must be a text, a number, a bigint or a boolean`);
    }
    return Number.isSafeInteger(value) ? [name, 'int', String(value)] : [name, 'double', value];
  });
}
