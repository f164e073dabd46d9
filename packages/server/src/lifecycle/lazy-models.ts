import { TritonError } from '@nereid/protocol';
import { AbsentModelError } from '../core/absent-model-error.ts';
import type { Cancellation } from '../core/cancellation.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { AwaitedLoad } from './awaited-load.ts';
import { LoadFailures } from './load-failures.ts';
import type { LoadedModel } from './loaded-model.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { ModelLifeCycle } from './model-life-cycle.ts';
import type { ModelManager } from './model-manager.ts';
import type { ModelRegistry } from './served-model.ts';

/** Models whose loads are awaited at the same time; names that are no models among them, for a moment. */
const awaitedLoadsMax = 1024;

/** Looks at idle models in the time after which they are unloaded. */
const looksPerIdleTime = 4;

export interface LazyModelsOptions {
  readonly manager: Pick<
    ModelManager,
    'directories' | 'has' | 'isKept' | 'loadOnDemand' | 'unloadOnDemand' | 'wasRequested'
  >;
  readonly lifeCycle: Pick<ModelLifeCycle, 'find' | 'readyModels' | 'unloadsEnded'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0: models stay. */
  readonly idleUnloadSecs: number;
  /** Null: models may take any memory. */
  readonly memory: MemoryBudget | null;
}

/** When a model was last seen to be used. */
interface IdleMark {
  readonly uses: number;
  readonly sinceNs: number;
}

/**
 * Control mode `lazy`: a model is loaded when a request looks for it, and unloaded when it has been idle
 * for long or when another one needs its memory. What an operator loads by request stays.
 */
export class LazyModels implements ModelRegistry {
  readonly #options: LazyModelsOptions;
  readonly #failures: LoadFailures;
  readonly #loads = new Map<string, AwaitedLoad>();
  /** By name: the models that were loaded on demand. */
  readonly #managed = new Map<string, IdleMark>();
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: LazyModelsOptions) {
    this.#options = options;
    this.#failures = new LoadFailures(options.clock);
  }

  /** @throws AbsentModelError for a model that may be had by loading it. */
  find(name: string, version: number | null): LoadedModel {
    const { lifeCycle } = this.#options;
    try {
      return lifeCycle.find(name, version);
    } catch (failure) {
      if (!(failure instanceof TritonError) || this.#serves(name)) throw failure;
      throw new AbsentModelError(failure, (cancellation) => this.#await(name, cancellation));
    }
  }

  /** Whether a request for a model that is not loaded would be served, as far as is known without loading it. */
  async wouldServe(name: string, version: number | null): Promise<boolean> {
    if (this.#serves(name) || this.#failures.current(name) !== null) return false;
    return this.#options.manager.has(name, version);
  }

  /** Begins to look for idle models. */
  start(): void {
    const { clock, idleUnloadSecs } = this.#options;
    if (idleUnloadSecs === 0 || this.#stopped) return;
    this.#timer = clock.setTimer((idleUnloadSecs * 1000) / looksPerIdleTime, () => {
      this.#unloadIdle();
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Whether some version serves: what is missing then is not there at all. */
  #serves(name: string): boolean {
    for (const { key } of this.#options.lifeCycle.readyModels()) {
      if (key.name === name) return true;
    }
    return false;
  }

  async #await(name: string, cancellation: Cancellation): Promise<void> {
    const underWay = this.#loads.get(name);
    await (underWay ?? this.#begin(name)).wait(cancellation);
    if (underWay?.loaded !== true || this.#serves(name)) return;
    // Its model was unloaded by request, and that answered, before this request came.
    await (this.#loads.get(name) ?? this.#begin(name)).wait(cancellation);
  }

  /** @throws TritonError when the model cannot be loaded now. */
  #begin(name: string): AwaitedLoad {
    const failure = this.#failures.current(name);
    if (failure !== null) throw failure;
    if (this.#stopped || this.#loads.size >= awaitedLoadsMax) {
      const text = this.#stopped ? 'Server exiting' : 'too many models are being loaded';
      throw new TritonError('UNAVAILABLE', text);
    }
    const load = new AwaitedLoad(name, this.#options.clock);
    this.#loads.set(name, load);
    void this.#load(name, load);
    return load;
  }

  async #load(name: string, load: AwaitedLoad): Promise<void> {
    const { manager, clock, logger } = this.#options;
    let error: TritonError | null = null;
    try {
      // An unknown name is told so by the next look-up.
      if (await manager.has(name, null)) {
        const startNs = clock.nowNs();
        await this.#loadInBudget(name);
        load.loaded = true;
        this.#failures.forget(name);
        const seconds = ((clock.nowNs() - startNs) / 1e9).toFixed(2);
        logger.info(`loaded '${name}' for its first request in ${seconds} s`);
      }
    } catch (failure) {
      const isRoom = failure instanceof TritonError && failure.code === 'UNAVAILABLE';
      const reason = failure instanceof Error ? failure.message : String(failure);
      // Room may be there any moment: that is tried again at once.
      error = isRoom ? failure : this.#failures.record(name, reason);
    }
    this.#loads.delete(name);
    load.end(error);
  }

  #loadInBudget(name: string): Promise<void> {
    const { manager, memory, clock } = this.#options;
    const load = async (): Promise<void> => {
      await manager.loadOnDemand(name);
      if (manager.wasRequested(name)) return;
      // Here, for the next load within the budget asks for it before the end of this one is known outside.
      this.#managed.set(name, { uses: -1, sinceNs: clock.nowNs() });
    };
    if (memory === null) return load();
    return memory.load(name, load, {
      directories: () => manager.directories(name),
      leastRecentlyUsed: () => this.#leastRecentlyUsed(name),
      loaded: () => this.#loaded(),
      unload: (other) => this.#unload(other, `its memory is needed for '${name}'`),
    });
  }

  /** Of the models that were loaded on demand and have no request in flight. */
  #leastRecentlyUsed(except: string): string | null {
    let found: LoadedModel | null = null;
    for (const [name, models] of this.#loaded()) {
      if (name === except || models.some(({ references }) => references > 0)) continue;
      const latest = models.reduce((a, b) => (b.useOrder > a.useOrder ? b : a));
      if (found === null || latest.useOrder < found.useOrder) found = latest;
    }
    return found?.key.name ?? null;
  }

  /** The ready versions of each model that was loaded on demand. */
  #loaded(): Map<string, LoadedModel[]> {
    const loaded = new Map<string, LoadedModel[]>();
    for (const model of this.#options.lifeCycle.readyModels()) {
      const { name } = model.key;
      if (!this.#managed.has(name) || this.#options.manager.isKept(name)) continue;
      const versions = loaded.get(name);
      if (versions === undefined) loaded.set(name, [model]);
      else versions.push(model);
    }
    return loaded;
  }

  #unloadIdle(): void {
    const { clock, idleUnloadSecs } = this.#options;
    const nowNs = clock.nowNs();
    for (const [name, models] of this.#loaded()) {
      const uses = Math.max(...models.map(({ useOrder }) => useOrder));
      const busy = models.some(({ references }) => references > 0);
      const mark = this.#managed.get(name) as IdleMark;
      if (busy || uses !== mark.uses) this.#managed.set(name, { uses, sinceNs: nowNs });
      else if (nowNs - mark.sinceNs >= idleUnloadSecs * 1e9) {
        void this.#unload(name, `idle for ${idleUnloadSecs} s`);
      }
    }
  }

  async #unload(name: string, reason: string): Promise<void> {
    const { manager, lifeCycle, logger } = this.#options;
    logger.info(`unloading '${name}': ${reason}`);
    this.#managed.delete(name);
    await manager.unloadOnDemand(name);
    // Not for others: what they still execute may wait for the load that needs this memory.
    await lifeCycle.unloadsEnded(name);
  }
}
