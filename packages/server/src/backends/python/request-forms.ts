import type { InferRequest } from '../../core/infer-request.ts';
import { areEqual, areOfForms, formOf, type TensorForm } from '../../core/tensor-form.ts';
import type { NumberedRequest } from '../worker/open-request.ts';
import { formPayloadBytesMax, formSlots } from './form-slots.ts';
import { paddedBytes } from './payload-places.ts';

/** All that requests have in common that differ in nothing but their ids and the contents of their tensors. */
export interface RequestForm {
  /** What it is called once the worker has been told of it. */
  readonly number: number;
  readonly timeoutUs: number | bigint;
  readonly outputNames: readonly string[];
  readonly inputs: readonly TensorForm[];
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
    const form = requestForm(number, request);
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

function requestForm(
  number: number,
  { parameters, outputNames, inputs }: InferRequest,
): RequestForm {
  let payloadBytes = 0;
  for (const { data } of inputs) payloadBytes += paddedBytes(data.byteLength);
  return {
    number,
    timeoutUs: parameters.timeoutUs,
    outputNames: [...outputNames],
    inputs: inputs.map(formOf),
    payloadBytes,
  };
}

function matches(form: RequestForm, { parameters, outputNames, inputs }: InferRequest): boolean {
  if (form.timeoutUs !== parameters.timeoutUs) return false;
  return areEqual(form.outputNames, outputNames) && areOfForms(inputs, form.inputs);
}

function keyOf({ parameters, outputNames, inputs }: InferRequest): string {
  const tensors = inputs.map(({ name, dataType, shape, data }) => {
    return [name, dataType, shape, data.byteLength];
  });
  return JSON.stringify([String(parameters.timeoutUs), outputNames, tensors]);
}
