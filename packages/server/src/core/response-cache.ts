import type { Tensor } from '@nereid/protocol';

/** Keeps the outputs of answers, for requests that come again. One a server, shared by all models. */
export interface ResponseCache {
  /**
   * True when it outlives this server or other servers use it too: what tells apart the loads of one
   * model version on this machine then has no place in the keys.
   */
  readonly shared: boolean;
  /**
   * Null when there is nothing. Where it must be asked for over a network, a promise that never
   * rejects: a cache that fails has nothing. The tensors are nobody's to write to.
   */
  lookup(key: string): readonly Tensor[] | null | Promise<readonly Tensor[] | null>;
  /**
   * Keeps a copy of the outputs, in place of what the key had. Never throws: what cannot be kept is
   * not kept, and the log says so.
   */
  insert(key: string, outputs: readonly Tensor[]): void;
  /** True when the key has an entry that this server knows of: an insertion would change nothing. */
  has(key: string): boolean;
  close(): Promise<void>;
}
