import { TritonError } from '@nereid/protocol';
import type { Cancellation } from '../../core/cancellation.ts';
import type { CallableModel } from '../../core/inference-port.ts';

/** Calls of calls of calls; more is a model that calls itself by way of others without an end. */
const callDepthMax = 64;

const noChain: readonly string[] = [];

/**
 * Which models wait for a request: those that called each other until it was made. Kept by the request's
 * cancellation, which stays the same object on its whole way.
 */
export class CallChains {
  readonly #chains = new WeakMap<Cancellation, readonly string[]>();

  of(cancellation: Cancellation): readonly string[] {
    return this.#chains.get(cancellation) ?? noChain;
  }

  /**
   * Notes that a call is made.
   * @param chain the caller's own chain and name
   * @throws TritonError INVALID_ARG for a call that would wait for its own caller for ever
   */
  enter(cancellation: Cancellation, chain: readonly string[], target: CallableModel): void {
    const key = chainKey(target.name, target.version);
    const waiting = chain.filter((entry) => entry === key).length;
    if (waiting >= target.instanceCount || chain.length >= callDepthMax) {
      throw new TritonError(
        'INVALID_ARG',
        `model '${target.name}' would wait for itself: the call comes from its own execution (${[...chain, key].join(' → ')}) and it has ${target.instanceCount} instance(s)`,
      );
    }
    this.#chains.set(cancellation, chain);
  }
}

/** As a chain names a model version. */
export function chainKey(name: string, version: number | string): string {
  return `${name}/${version}`;
}
