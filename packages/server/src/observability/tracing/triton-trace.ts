import type { Tensor } from '@nereid/protocol';
import type { Clock } from '../../core/clock.ts';
import type { TensorActivity, Trace, TraceActivity, TracedRequest } from '../../core/trace.ts';
import type { FrontEndTrace } from './front-end-trace.ts';
import type { TraceGroup, TraceRecord } from './trace-record.ts';
import type { TraceLevel } from './trace-setting-values.ts';

/** What one request may have noted, with those that it leads to: further times and traces are left out. */
const recordsMax = 100_000;
/** Bytes of tensors that are kept of one request; of those beyond only name and shape are noted. */
const tensorBytesMax = 64 * 1024 * 1024;
/** Roughly what a record takes. */
const recordBytes = 128;

const noBytes = new Uint8Array(0);

export interface TritonTraceParts {
  readonly level: TraceLevel;
  readonly clock: Clock;
  /** The next number that no trace of this server has had. */
  readonly nextId: () => number;
  /** Called once, when nothing more can come. */
  readonly complete: (group: TraceGroup) => void;
}

/** A sampled request in Triton's own mode: keeps what is noted until the request is over. */
export class TritonTrace implements FrontEndTrace {
  readonly trace: Trace;
  readonly #parts: TritonTraceParts;
  readonly #records = new Map<number, TraceRecord[]>();
  #recordCount = 0;
  #tensorBytes = 0;
  /** The front end, and every trace that was started. */
  #open = 1;
  #closed = false;

  constructor(parts: TritonTraceParts) {
    this.#parts = parts;
    this.trace = new ModelTrace(this, parts.nextId(), 0);
  }

  capture(name: string, ns: number = this.#parts.clock.nowNs()): void {
    if (this.#closed || !this.#parts.level.timestamps) return;
    this.add(this.trace.id, { kind: 'time', name, ns });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#left();
  }

  /** @returns False where the request is over, and its traces are on their way to the file. */
  started(): boolean {
    if (this.#open === 0) return false;
    this.#open++;
    return true;
  }

  ended(): void {
    this.#left();
  }

  nextId(): number {
    return this.#parts.nextId();
  }

  get level(): TraceLevel {
    return this.#parts.level;
  }

  add(id: number, record: TraceRecord): void {
    if (this.#recordCount >= recordsMax) return;
    this.#recordCount++;
    const records = this.#records.get(id);
    if (records === undefined) this.#records.set(id, [record]);
    else records.push(record);
  }

  addTensor(id: number, activity: TensorActivity, tensor: Tensor): void {
    const fits = this.#tensorBytes + tensor.data.byteLength <= tensorBytesMax;
    // The request's memory is used again once it is answered.
    const data = fits ? new Uint8Array(tensor.data) : noBytes;
    this.#tensorBytes += data.byteLength;
    this.add(id, { kind: 'tensor', activity, tensor: { ...tensor, data } });
  }

  #left(): void {
    if (--this.#open > 0) return;
    const byteLength = this.#recordCount * recordBytes + this.#tensorBytes;
    this.#parts.complete({ records: this.#records, byteLength });
  }
}

/** The trace of one model's request, in the group of the request that came from outside. */
class ModelTrace implements Trace {
  readonly id: number;
  readonly context = '';
  readonly #group: TritonTrace;
  readonly #parentId: number;
  #state: 'new' | 'open' | 'ended' = 'new';

  constructor(group: TritonTrace, id: number, parentId: number) {
    this.#group = group;
    this.id = id;
    this.#parentId = parentId;
  }

  start(request: TracedRequest, ns: number): void {
    if (this.#state !== 'new') return;
    if (!this.#group.started()) {
      this.#state = 'ended';
      return;
    }
    this.#state = 'open';
    this.#group.add(this.id, { kind: 'request', parentId: this.#parentId, request });
    this.report('REQUEST_START', ns);
  }

  report(activity: TraceActivity, ns: number): void {
    if (this.#state !== 'open' || !this.#group.level.timestamps) return;
    this.#group.add(this.id, { kind: 'time', name: activity, ns });
  }

  reportTensors(activity: TensorActivity, tensors: readonly Tensor[]): void {
    if (this.#state !== 'open' || !this.#group.level.tensors) return;
    for (const tensor of tensors) this.#group.addTensor(this.id, activity, tensor);
  }

  child(): Trace {
    return new ModelTrace(this.#group, this.#group.nextId(), this.id);
  }

  end(ns: number): void {
    if (this.#state !== 'open') return;
    this.report('REQUEST_END', ns);
    this.#state = 'ended';
    this.#group.ended();
  }
}
