import type { TensorDescription, WireParameter, WireResponse } from '../worker/worker-message.ts';
import type { ThreadRequest } from './thread-message.ts';

/**
 * What goes with every request goes between the threads as one flat list of texts and numbers: an object for
 * each request, response and tensor costs several microseconds more, since it is written and read by name.
 */
export type FlatList = readonly unknown[];

/** What becomes of a request; null where the model answers later. */
type Response = WireResponse | { readonly reschedule: true } | null;

/** How a response is told. */
const asIs = 0;
const withTensors = 1;

export function flatRequests(requests: readonly ThreadRequest[]): FlatList {
  const list: unknown[] = [];
  for (const request of requests) {
    list.push(
      request.number,
      request.id,
      request.batchSize,
      request.correlationId,
      request.flags,
      request.timeoutUs,
      request.parameters,
      request.outputNames.length,
    );
    for (const name of request.outputNames) list.push(name);
    pushTensors(list, request.inputs);
  }
  return list;
}

export function readRequests(list: FlatList): ThreadRequest[] {
  const reader = new FlatReader(list);
  const requests: ThreadRequest[] = [];
  while (!reader.atEnd) {
    requests.push({
      number: reader.next() as number,
      id: reader.next() as string,
      batchSize: reader.next() as number,
      correlationId: reader.next() as number | bigint | string,
      flags: reader.next() as number,
      timeoutUs: reader.next() as number | bigint,
      parameters: reader.next() as readonly WireParameter[] | null,
      outputNames: reader.several(reader.next() as number) as string[],
      inputs: reader.tensors(),
    });
  }
  return requests;
}

export function flatResponses(responses: readonly Response[]): FlatList {
  const list: unknown[] = [];
  for (const response of responses) {
    if (response === null || !('tensors' in response) || response.parameters !== undefined) {
      list.push(asIs, response);
    } else {
      list.push(withTensors);
      pushTensors(list, response.tensors ?? []);
    }
  }
  return list;
}

export function readResponses(list: FlatList): Response[] {
  const reader = new FlatReader(list);
  const responses: Response[] = [];
  while (!reader.atEnd) {
    const plain = reader.next() === asIs;
    responses.push(plain ? (reader.next() as Response) : { tensors: reader.tensors() });
  }
  return responses;
}

function pushTensors(list: unknown[], tensors: readonly TensorDescription[]): void {
  list.push(tensors.length);
  for (const [name, dataType, shape, byteLength] of tensors) {
    list.push(name, dataType, byteLength, shape.length);
    for (const size of shape) list.push(size);
  }
}

class FlatReader {
  readonly #list: FlatList;
  #at = 0;

  constructor(list: FlatList) {
    this.#list = list;
  }

  get atEnd(): boolean {
    return this.#at >= this.#list.length;
  }

  next(): unknown {
    return this.#list[this.#at++];
  }

  several(count: number): unknown[] {
    const start = this.#at;
    this.#at += count;
    return this.#list.slice(start, this.#at);
  }

  tensors(): TensorDescription[] {
    const tensors: TensorDescription[] = [];
    for (let left = this.next() as number; left > 0; left--) {
      const name = this.next() as string;
      const dataType = this.next() as string;
      const byteLength = this.next() as number;
      const shape = this.several(this.next() as number) as number[];
      tensors.push([name, dataType, shape, byteLength]);
    }
    return tensors;
  }
}
