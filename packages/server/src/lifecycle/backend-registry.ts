import type { ModelConfig } from '@nereid/protocol';
import { TritonError } from '@nereid/protocol';
import type { Backend } from '../core/backend.ts';

/** The backends that this server has, by the name that `config.backend` gives. */
export class BackendRegistry {
  readonly #backends: ReadonlyMap<string, Backend>;

  constructor(backends: readonly Backend[]) {
    this.#backends = new Map(backends.map((backend) => [backend.name, backend]));
  }

  names(): readonly string[] {
    return [...this.#backends.keys()].sort();
  }

  /** @throws TritonError INVALID_ARG with Triton's text for a backend that is not installed. */
  forModel(config: ModelConfig): Backend {
    const backend = this.#backends.get(config.backend);
    if (backend === undefined) {
      throw new TritonError(
        'INVALID_ARG',
        `unable to find backend library for backend '${config.backend}', try specifying runtime on the model configuration.`,
      );
    }
    return backend;
  }

  /** @throws AggregateError with what some backends failed with; the others are shut down all the same. */
  async shutdown(): Promise<void> {
    const errors: unknown[] = [];
    for (const backend of this.#backends.values()) {
      await backend.shutdown().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw new AggregateError(errors, `failed to end: ${errors.join('; ')}`);
  }
}
