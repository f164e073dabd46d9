import type { Tensor } from '@nereid/protocol';
import type { TensorActivity, TracedRequest } from '../../core/trace.ts';

/** One thing that was noted of a request. Times are `Clock.nowNs`. */
export type TraceRecord =
  | { readonly kind: 'request'; readonly parentId: number; readonly request: TracedRequest }
  | { readonly kind: 'time'; readonly name: string; readonly ns: number }
  /** With memory of its own. */
  | { readonly kind: 'tensor'; readonly activity: TensorActivity; readonly tensor: Tensor };

/** What was noted of a request and of those that it led to, by the ids of their traces. */
export interface TraceGroup {
  readonly records: ReadonlyMap<number, readonly TraceRecord[]>;
  /** Roughly, what it takes in memory. */
  readonly byteLength: number;
}
