import type { StatusCode, Tensor } from '@nereid/protocol';
import type { CustomMetricKind } from '../../observability/custom-metrics.ts';

/**
 * `[name, data type, shape, bytes]`: the bytes are in the payload, one tensor after the other. With a place as
 * fifth they are there, in memory that server and worker have in common.
 */
export type TensorDescription = readonly [string, string, readonly number[], number, number?];

/** Integers as decimal text, so that 64 bits survive. */
export type WireParameter =
  | readonly [string, 'bool', boolean]
  | readonly [string, 'int', string]
  | readonly [string, 'double', number]
  | readonly [string, 'string', string];

/** An answer of the model, or what it says went wrong. */
export interface WireResponse {
  readonly error?: { readonly code: StatusCode; readonly message: string };
  readonly tensors?: readonly TensorDescription[];
  /** The tensors themselves, where the channel has taken them already. */
  readonly outputs?: readonly Tensor[];
  readonly parameters?: readonly WireParameter[];
}

/** The model gives the request back, to be executed again. */
export interface WireReschedule {
  readonly reschedule: true;
}

/** What the worker was asked to do once, and says the end of. */
export type LifeStep = 'setup' | 'auto-complete' | 'initialize' | 'finalize';

/** A call of the model to the server, which is answered with `call` in the answer. */
export type WireCall =
  | {
      readonly kind: 'infer';
      readonly call: number;
      readonly model: string;
      /** Below 0 for the highest that is ready. */
      readonly version: number;
      readonly decoupled: boolean;
      readonly id: string;
      readonly correlation: string;
      readonly correlationIsText: boolean;
      readonly flags: number;
      readonly timeout: string;
      readonly parameters: readonly WireParameter[];
      /** Number of the request whose trace this one belongs to, 0 for none. */
      readonly trace: number;
      readonly outputs: readonly string[];
      readonly tensors: readonly TensorDescription[];
    }
  | {
      readonly kind: 'load';
      readonly call: number;
      readonly model: string;
      readonly config: string;
      /** Path and content, base64. */
      readonly files: readonly (readonly [string, string])[];
    }
  | {
      readonly kind: 'unload';
      readonly call: number;
      readonly model: string;
      readonly dependents: boolean;
    }
  | {
      readonly kind: 'ready';
      readonly call: number;
      readonly model: string;
      readonly version: string;
    };

/** Numbers are those that the worker was answered with. A value that JSON has no number for is text. */
export type WireMetricMessage =
  | {
      readonly kind: 'metric-family';
      readonly call: number;
      readonly name: string;
      readonly description: string;
      readonly type: CustomMetricKind;
    }
  | {
      readonly kind: 'metric';
      readonly call: number;
      readonly family: number;
      readonly labels: readonly (readonly [string, string])[];
      /** Of a histogram; null for the others. */
      readonly buckets: readonly number[] | null;
    }
  | { readonly kind: 'metric-value'; readonly call: number; readonly metric: number }
  | {
      readonly kind: 'metric-change';
      readonly metric: number;
      readonly how: 'increment' | 'set' | 'observe';
      readonly value: number | string;
    }
  | { readonly kind: 'metric-delete'; readonly metric: number }
  | { readonly kind: 'metric-family-delete'; readonly family: number };

/** What a worker says. */
export type WorkerMessage =
  | {
      readonly kind: 'hello';
      /** Where the memory of its own lies, as a path; null for none. */
      readonly region: string | null;
      /** It has mapped the memory that it was given. */
      readonly shares: boolean;
    }
  | {
      readonly kind: 'done';
      readonly of: LifeStep;
      readonly error: string | null;
      /** After `auto-complete`: the configuration; null when the model has no such function. */
      readonly config?: unknown;
      /** After `initialize`. */
      readonly hasReadiness?: boolean;
    }
  | {
      readonly kind: 'result';
      readonly batch: number;
      readonly error: string | null;
      /** One a request; null where the model answers by its response sender. */
      readonly responses: readonly (WireResponse | WireReschedule | null)[];
      /** It was not executed, since all its requests were cancelled before. */
      readonly skipped?: boolean;
    }
  | {
      readonly kind: 'send';
      readonly request: number;
      readonly final: boolean;
      readonly response: WireResponse | null;
      /** The worker waits to be told that this came, before it sends many more. */
      readonly acknowledge?: boolean;
    }
  | { readonly kind: 'dropped'; readonly request: number }
  | { readonly kind: 'readiness'; readonly ready: boolean; readonly error: string | null }
  | { readonly kind: 'log'; readonly level: string; readonly message: string }
  /** `awaited`: the caller still takes what the called model answers. */
  | { readonly kind: 'cancel-call'; readonly call: number; readonly awaited?: boolean }
  | WireMetricMessage
  | WireCall;
