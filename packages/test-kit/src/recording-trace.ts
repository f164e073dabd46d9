import type { Tensor } from '@nereid/protocol';
import type {
  TensorActivity,
  Trace,
  TraceActivity,
  TracedRequest,
} from '../../server/src/core/trace.ts';

/** Keeps what is reported, as lines that a test can compare. */
export class RecordingTrace implements Trace {
  readonly id: number;
  readonly context: string = '';
  readonly parentId: number;
  readonly children: RecordingTrace[] = [];
  /** `REQUEST_START m/1 'id' @5`, `QUEUE_START @7`, `TENSOR_QUEUE_INPUT INPUT0`, … */
  readonly lines: string[] = [];
  readonly #count: { last: number };

  constructor(parentId = 0, count: { last: number } = { last: 0 }) {
    this.id = ++count.last;
    this.parentId = parentId;
    this.#count = count;
  }

  start({ modelName, modelVersion, id }: TracedRequest, ns: number): void {
    this.lines.push(`REQUEST_START ${modelName}/${modelVersion} '${id}' @${ns}`);
  }

  report(activity: TraceActivity, ns: number): void {
    this.lines.push(`${activity} @${ns}`);
  }

  reportTensors(activity: TensorActivity, tensors: readonly Tensor[]): void {
    for (const { name } of tensors) this.lines.push(`${activity} ${name}`);
  }

  child(): RecordingTrace {
    const child = new RecordingTrace(this.id, this.#count);
    this.children.push(child);
    return child;
  }

  end(ns: number): void {
    this.lines.push(`REQUEST_END @${ns}`);
  }
}
