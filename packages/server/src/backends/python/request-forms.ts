import type { DataType, Tensor } from '@nereid/protocol';
import type { InferRequest } from '../../core/infer-request.ts';
import type { NumberedRequest } from '../worker/open-request.ts';
import { formPayloadBytesMax, formSlots } from './form-slots.ts';
import { paddedBytes } from './worker-frame.ts';

interface InputForm {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: readonly number[];
  readonly byteCount: number;
}

/** All that requests have in common that differ in nothing but their ids and the contents of their tensors. */
export interface RequestForm {
  /** What it is called once the worker has been told of it. */
  readonly number: number;
  readonly timeoutUs: number | bigint;
  readonly outputNames: readonly string[];
  readonly inputs: readonly InputForm[];
  readonly payloadBytes: number;
}

/**
 * The forms that a worker was told of. The requests of a model are mostly of few forms, and to describe each
 * of them anew costs both sides more than its tensors do.
 */
export class RequestForms {
  /** By the number of the form. */
  readonly #keys: (string | undefined)[] = new Array(formSlots);
  readonly #byKey = new Map<string, RequestForm>();
  #latest: RequestForm | null = null;
  #nextSlot = 0;
  /** What a key was made for last: a request of a new form is looked up more than once. */
  #keyedRequest: InferRequest | null = null;
  #key = '';

  /** @returns null unless the worker knows the forms of all of them. */
  of(requests: readonly NumberedRequest[]): readonly RequestForm[] | null {
    const forms: RequestForm[] = [];
    for (const { request } of requests) {
      const form = this.#find(request);
      if (form === null) return null;
      forms.push(form);
    }
    return forms;
  }

  /**
   * Remembers the forms of requests that the worker is told in full.
   * @returns what each form is to be called from here on; null for a request that can have none.
   */
  learn(requests: readonly NumberedRequest[]): readonly (number | null)[] {
    return requests.map(({ request }) => {
      if (!hasForm(request)) return null;
      return (this.#find(request) ?? this.#add(request)).number;
    });
  }

  #find(request: InferRequest): RequestForm | null {
    if (!hasForm(request)) return null;
    if (this.#latest !== null && matches(this.#latest, request)) return this.#latest;
    const found = this.#byKey.get(this.#keyOf(request)) ?? null;
    if (found !== null) {
      this.#latest = found;
      this.#keyedRequest = null;
    }
    return found;
  }

  /** In the place of the oldest. */
  #add(request: InferRequest): RequestForm {
    const number = this.#nextSlot;
    this.#nextSlot = (number + 1) % formSlots;
    const form = formOf(number, request);
    const key = this.#keyOf(request);
    const oldKey = this.#keys[number];
    if (oldKey !== undefined) this.#byKey.delete(oldKey);
    this.#keys[number] = key;
    this.#byKey.set(key, form);
    this.#latest = form;
    this.#keyedRequest = null;
    return form;
  }

  #keyOf(request: InferRequest): string {
    if (this.#keyedRequest !== request) {
      this.#keyedRequest = request;
      this.#key = keyOf(request);
    }
    return this.#key;
  }
}

/** False for what has more to say than a form, for texts, whose sizes vary, and for large requests. */
function hasForm({ parameters, trace, parent, inputs }: InferRequest): boolean {
  if (parameters.sequenceId !== null || parameters.sequenceStart || parameters.sequenceEnd) {
    return false;
  }
  if (parameters.custom.size > 0 || trace != null || parent?.paces === true) return false;
  let byteCount = 0;
  for (const { dataType, data } of inputs) {
    if (dataType === 'BYTES') return false;
    byteCount += data.byteLength;
  }
  return byteCount <= formPayloadBytesMax;
}

function formOf(number: number, { parameters, outputNames, inputs }: InferRequest): RequestForm {
  let payloadBytes = 0;
  for (const { data } of inputs) payloadBytes += paddedBytes(data.byteLength);
  return {
    number,
    timeoutUs: parameters.timeoutUs,
    outputNames: [...outputNames],
    inputs: inputs.map(({ name, dataType, shape, data }) => {
      return { name, dataType, shape: [...shape], byteCount: data.byteLength };
    }),
    payloadBytes,
  };
}

function matches(form: RequestForm, { parameters, outputNames, inputs }: InferRequest): boolean {
  if (form.timeoutUs !== parameters.timeoutUs) return false;
  if (!areEqual(form.outputNames, outputNames) || form.inputs.length !== inputs.length) {
    return false;
  }
  for (let index = 0; index < inputs.length; index++) {
    if (!isOfForm(inputs[index] as Tensor, form.inputs[index] as InputForm)) return false;
  }
  return true;
}

function isOfForm({ name, dataType, shape, data }: Tensor, form: InputForm): boolean {
  if (name !== form.name || dataType !== form.dataType) return false;
  return data.byteLength === form.byteCount && areEqual(shape, form.shape);
}

function areEqual<T>(first: readonly T[], second: readonly T[]): boolean {
  if (first.length !== second.length) return false;
  for (let index = 0; index < first.length; index++) {
    if (first[index] !== second[index]) return false;
  }
  return true;
}

function keyOf({ parameters, outputNames, inputs }: InferRequest): string {
  const tensors = inputs.map(({ name, dataType, shape, data }) => {
    return [name, dataType, shape, data.byteLength];
  });
  return JSON.stringify([String(parameters.timeoutUs), outputNames, tensors]);
}
