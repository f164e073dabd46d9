import type { TensorDescription, WireParameter } from '../worker/worker-message.ts';
import type { FlatList } from './flat-messages.ts';

/** A request as the thread is given it; its tensors come with the message, one request after the other. */
export interface ThreadRequest {
  readonly number: number;
  readonly id: string;
  readonly batchSize: number;
  readonly correlationId: number | bigint | string;
  /** 1 for the start of a sequence, 2 for its end. */
  readonly flags: number;
  readonly timeoutUs: number | bigint;
  readonly parameters: readonly WireParameter[] | null;
  readonly outputNames: readonly string[];
  readonly inputs: readonly TensorDescription[];
}

/** What a model's file is, and where. */
export interface ThreadSetup {
  readonly kind: 'setup';
  readonly instanceName: string;
  readonly modelName: string;
  readonly versionDirectory: string;
  readonly fileName: string;
  /** Batches that the model executes at once. */
  readonly concurrentBatches: number;
}

/** What the thread is told. */
export type ThreadMessage =
  | ThreadSetup
  | { readonly kind: 'auto-complete'; readonly config: string }
  | {
      readonly kind: 'initialize';
      readonly arguments: Readonly<Record<string, string>>;
      readonly decoupled: boolean;
    }
  | {
      readonly kind: 'execute';
      readonly batch: number;
      /** Of `flatRequests`. */
      readonly requests: FlatList;
    }
  | { readonly kind: 'cancel'; readonly request: number }
  | { readonly kind: 'acknowledge'; readonly request: number }
  | { readonly kind: 'is-ready' }
  | { readonly kind: 'finalize' }
  | ThreadAnswer;

/** The server's answer to a call of the thread: of another model, of the repository, or of a metric. */
export interface ThreadAnswer {
  readonly kind: 'answer';
  readonly call: number;
  readonly final?: boolean;
  readonly error?: { readonly code: string; readonly message: string } | null;
  readonly tensors?: readonly TensorDescription[];
  readonly parameters?: readonly WireParameter[];
  readonly ready?: boolean;
  /** Of a metric that was made. */
  readonly number?: number;
  /** Of a metric that was looked at; text where JSON has no number. */
  readonly value?: number | string;
}
