import type { BackendInstance } from '../core/backend.ts';
import type { Execution, ExecutionCounter } from '../core/execution.ts';

/** An instance on a GPU: what it executes is counted for that GPU as well. */
export class GpuCountedInstance implements BackendInstance {
  readonly name: string;
  readonly #instance: BackendInstance;
  readonly #counter: ExecutionCounter;

  constructor(instance: BackendInstance, counter: ExecutionCounter) {
    this.name = instance.name;
    this.#instance = instance;
    this.#counter = counter;
  }

  get executionsAhead(): number {
    return this.#instance.executionsAhead ?? 0;
  }

  execute(batch: readonly Execution[]): Promise<void> | null {
    for (const execution of batch) execution.gpuCounter = this.#counter;
    return this.#instance.execute(batch);
  }
}
