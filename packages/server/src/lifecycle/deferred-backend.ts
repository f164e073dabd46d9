import type { Backend, BackendLoadContext, BackendModel } from '../core/backend.ts';

/** A backend whose code is read with its first model: most servers have no use for most backends. */
export class DeferredBackend implements Backend {
  readonly name: string;
  readonly #open: () => Promise<Backend>;
  #opened: Promise<Backend> | null = null;

  constructor(name: string, open: () => Promise<Backend>) {
    this.name = name;
    this.#open = open;
  }

  async loadModel(context: BackendLoadContext): Promise<BackendModel> {
    this.#opened ??= this.#open();
    return (await this.#opened).loadModel(context);
  }

  async shutdown(): Promise<void> {
    // The models that asked for one that could not be opened were told why.
    const opened = await this.#opened?.catch(() => null);
    await opened?.shutdown();
  }
}
