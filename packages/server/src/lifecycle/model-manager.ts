import { TritonError } from '@nereid/protocol';
import { KeyLocks } from '../core/key-locks.ts';
import { KeyedMutex } from '../core/keyed-mutex.ts';
import type { Logger } from '../core/logger.ts';
import { compareModelIds, type ModelId, modelIdText } from '../core/model-key.ts';
import { checkModelName } from '../core/model-name.ts';
import { hintText } from '../core/status-text.ts';
import type { DefinitionReader } from '../repository/definition-reader.ts';
import type { LoadOverrides, ModelDefinition } from '../repository/model-definition.ts';
import { noOverrides } from '../repository/model-definition.ts';
import type { FoundModel, ModelFinder } from '../repository/model-finder.ts';
import { availableVersions } from '../repository/version-directories.ts';
import { DependencyGraph, type GraphEffect, type ModelNode } from './dependency-graph.ts';
import { GraphLoading } from './graph-loading.ts';
import type { ModelLifeCycle } from './model-life-cycle.ts';

/** How models come and go: `--model-control-mode`. */
export type ModelControlMode = 'none' | 'poll' | 'explicit' | 'lazy';

export interface ModelManagerOptions {
  readonly finder: ModelFinder;
  readonly reader: DefinitionReader;
  readonly lifeCycle: ModelLifeCycle;
  readonly logger: Logger;
  readonly controlMode: ModelControlMode;
  readonly namespacing: boolean;
}

/** A row of the repository index. Version, state and reason are null for a model that was never loaded. */
export interface IndexRow {
  readonly id: ModelId;
  readonly version: number | null;
  readonly state: string | null;
  readonly reason: string;
}

/** What a look at some or all models gave. */
interface Poll {
  readonly defined: ModelDefinition[];
  /** Those whose files are the same, and those whose files cannot be read now. */
  readonly unchanged: ModelId[];
  readonly removed: ModelId[];
  /** False when something could not be found or read. */
  complete: boolean;
}

/** An operation that has locked what it works on, and changed the graph. */
interface Plan {
  readonly poll: Poll;
  readonly effect: GraphEffect;
  /** What models were before. */
  readonly replaced: readonly ModelDefinition[];
  /** Keys that the operation still has to unlock. */
  readonly locked: Set<string>;
}

/** Another operation works on the same models. */
interface Conflict {
  /** Resolves when it is worth to look again. */
  readonly unlocked: Promise<void>;
}

/** The one lock of the phase in which repositories are read and the graph is changed. */
const planningKey = '';

/**
 * Decides which models are loaded: at start, on request, and when the repositories change. An operation
 * first finds out what it concerns, one operation at a time; then it loads, side by side with others
 * that concern other models. Those that concern the same models wait and look again.
 */
export class ModelManager {
  readonly #options: ModelManagerOptions;
  readonly #graph = new DependencyGraph();
  readonly #planning = new KeyedMutex();
  /** Requests for one name keep their order. */
  readonly #operations = new KeyedMutex();
  /** Models that an operation works on, by key. */
  readonly #locks = new KeyLocks();
  /** Names that were loaded by request: they are not unloaded for being idle. */
  readonly #requested = new Set<string>();
  #closed = false;

  constructor(options: ModelManagerOptions) {
    this.#options = options;
    if (options.namespacing) options.lifeCycle.resolveNamesWith((name) => this.resolveName(name));
  }

  /**
   * Loads every model of the repositories, or what changed since the last call. Failures are
   * logged and leave the other models alone.
   *
   * @returns false when a model could not be read or loaded.
   */
  async update(): Promise<boolean> {
    let present: readonly ModelId[] = [];
    const { poll } = await this.#change(async () => {
      this.#requireOpen();
      const { unique, duplicates } = await this.#options.finder.all();
      for (const id of duplicates) {
        this.#options.logger.error(
          `failed to poll model '${modelIdText(id)}': not unique across all model repositories`,
        );
      }
      const poll = newPoll();
      await Promise.all(unique.map((found) => this.#read(found, noOverrides, false, poll)));
      if (duplicates.length > 0) poll.complete = false;
      present = unique.map(({ id }) => id);
      const keys = new Set(present.map(modelIdText));
      for (const node of this.#graph.nodes()) if (!keys.has(node.key)) poll.removed.push(node.id);
      return poll;
    });
    return poll.complete && present.every((id) => this.#graph.node(id)?.loaded === true);
  }

  /** Loads the models that `--load-model` names. @returns false when one could not be. */
  async loadNamed(names: readonly string[]): Promise<boolean> {
    const wanted = new Map(names.map((name) => [name, noOverrides]));
    const { poll, failures } = await this.#change(() => this.#pollNamed(wanted), wanted);
    for (const name of names) {
      if (this.#graph.named(name).some(({ loaded }) => loaded)) this.#requested.add(name);
    }
    return poll.complete && failures.size === 0;
  }

  /**
   * The load request. A model that serves is loaded again only if its folder changed or
   * `overrides` replace something; the old version serves until the new one is ready. With an ensemble
   * come the models of its steps, and after a model the ensembles that need it.
   *
   * @throws TritonError with Triton's texts.
   */
  async load(name: string, overrides: LoadOverrides): Promise<void> {
    this.#requireExplicit();
    checkModelName(name);
    await this.#operations.run(name, async () => {
      await this.#loadByName(name, overrides);
      this.#requested.add(name);
      if (this.#options.controlMode !== 'lazy') return;
      // Triton lets it go with the ensemble that brought it; here it stays.
      for (const node of this.#graph.named(name)) node.explicit = true;
    });
  }

  /** Loads a model that a request looked for, as it is in its repository. @throws TritonError */
  async loadOnDemand(name: string): Promise<void> {
    checkModelName(name);
    await this.#operations.run(name, () => this.#loadByName(name, noOverrides));
  }

  /** Starts to unload a model that was loaded on demand, and those that only it needs; not one that is to stay. */
  async unloadOnDemand(name: string): Promise<void> {
    await this.#operations.run(name, async () => {
      if (!this.isKept(name)) await this.#unloadByName(name, true);
    });
  }

  wasRequested(name: string): boolean {
    return this.#requested.has(name);
  }

  /** Whether it, or an ensemble that needs it, was loaded by request. */
  isKept(name: string): boolean {
    const nodes = new Set(this.#graph.named(name));
    for (const node of nodes) for (const dependent of node.neededBy) nodes.add(dependent);
    return this.#requested.has(name) || [...nodes].some(({ id }) => this.#requested.has(id.name));
  }

  /** Whether the repositories have a model of this name, and a folder of this version unless it is null. */
  async has(name: string, version: number | null): Promise<boolean> {
    for (const directory of await this.directories(name)) {
      if (version === null) return true;
      const versions = await availableVersions(directory, this.#options.logger);
      if (versions.includes(version)) return true;
    }
    return false;
  }

  /** Folders of the models of this name; none for a name that no model can have. */
  async directories(name: string): Promise<readonly string[]> {
    try {
      checkModelName(name);
    } catch (failure) {
      if (failure instanceof TritonError) return [];
      throw failure;
    }
    const { unique } = await this.#options.finder.named(name);
    return unique.map(({ directory }) => directory);
  }

  /**
   * The unload request. Unknown models are no error. Ensembles that need the model are unloaded, too.
   *
   * @param dependents Unload the models that only this one needs as well, unless somebody loaded them
   *   by name.
   */
  async unload(name: string, dependents = false): Promise<void> {
    this.#requireExplicit();
    await this.#operations.run(name, async () => {
      await this.#unloadByName(name, dependents);
      this.#requested.delete(name);
    });
  }

  /**
   * Unloads everything and waits until requests in flight are answered and memory is released. Nothing is
   * loaded afterwards: what still waits to be is refused.
   */
  async unloadAll(): Promise<void> {
    this.#closed = true;
    await this.#change(async () => ({
      ...newPoll(),
      removed: [...this.#graph.nodes()].map(({ id }) => id),
    }));
    await this.#options.lifeCycle.unloadsEnded();
  }

  /** What the repositories hold, with the state of what was loaded from them. */
  async index(readyOnly: boolean): Promise<readonly IndexRow[]> {
    const { unique, duplicates } = await this.#options.finder.all();
    const rows: IndexRow[] = duplicates.map((id) => ({
      id,
      version: null,
      state: 'UNAVAILABLE',
      reason: 'model appears in two or more repositories',
    }));
    for (const { id } of unique) {
      const versions = this.#options.lifeCycle.versions(id);
      if (versions === null && !readyOnly) {
        rows.push({ id, version: null, state: null, reason: '' });
      }
      for (const { version, state, reason } of versions ?? []) {
        if (!readyOnly || state === 'READY') rows.push({ id, version, state, reason });
      }
    }
    return rows.sort((a, b) => compareModelIds(a.id, b.id) || (a.version ?? 0) - (b.version ?? 0));
  }

  /** True when every model that was taken up serves all its versions, or was unloaded on purpose. */
  allReady(): boolean {
    // A request for a broken model must not take the others out of service.
    if (this.#options.controlMode === 'lazy') return true;
    for (const { versions } of this.#options.lifeCycle.entries()) {
      if (versions.length === 0) return false;
      for (const record of versions) {
        if (record.state !== 'READY' && record.reason !== 'unloaded') return false;
      }
    }
    return true;
  }

  /** With namespaces: the one model of this name. @throws TritonError when there is none, or several. */
  resolveName(name: string): ModelId {
    if (!this.#options.namespacing) return { namespace: '', name };
    const ids = this.#graph.named(name).map(({ id }) => id);
    if (ids.length > 1) {
      throw new TritonError(
        'INVALID_ARG',
        `There are ${ids.length} identifiers of model '${name}' in global map, model namespace must be provided to resolve ambiguity.`,
      );
    }
    const id = ids[0];
    if (id === undefined) {
      throw new TritonError('INVALID_ARG', `Request for unknown model: '${name}' is not found`);
    }
    return id;
  }

  /** A look that began before is over before everything is unloaded: there is one at a time. */
  #requireOpen(): void {
    if (this.#closed) throw new TritonError('UNAVAILABLE', 'Server exiting');
  }

  #requireExplicit(): void {
    const { controlMode } = this.#options;
    if (controlMode === 'explicit' || controlMode === 'lazy') return;
    throw new TritonError(
      'UNAVAILABLE',
      'explicit model load / unload is not allowed if polling is enabled',
    );
  }

  async #loadByName(name: string, overrides: LoadOverrides): Promise<void> {
    const wanted = new Map([[name, overrides]]);
    const { poll, failures } = await this.#change(() => this.#pollNamed(wanted), wanted);
    let text = '';
    for (const { key } of this.#graph.named(name)) {
      const failure = failures.get(key);
      if (failure !== undefined) text += `load failed for model '${key}': ${failure}\n`;
    }
    if (text !== '') {
      this.#options.logger.verbose(1, text);
      throw new TritonError('INVALID_ARG', text);
    }
    if (!poll.complete) throw pollError(name);
  }

  async #unloadByName(name: string, cascade: boolean): Promise<void> {
    const look = async (): Promise<Poll> => ({
      ...newPoll(),
      removed: this.#graph.named(name).map(({ id }) => id),
    });
    await this.#change(look, new Map(), cascade);
  }

  /**
   * Carries out what a look at the repositories shows to be necessary.
   *
   * @param wanted Models that are asked for by name; null when all are.
   * @returns The look, and why models failed.
   */
  async #change(
    look: () => Promise<Poll>,
    wanted: ReadonlyMap<string, LoadOverrides> | null = null,
    cascade = false,
  ): Promise<{ readonly poll: Poll; readonly failures: ReadonlyMap<string, string> }> {
    for (;;) {
      const plan = await this.#planning.run(planningKey, async (): Promise<Plan | Conflict> => {
        const poll = await look();
        const ids = [...poll.defined.map(({ id }) => id), ...poll.unchanged, ...poll.removed];
        const locked = this.#graph.reach(ids, cascade);
        if (this.#locks.tryLock(locked)) {
          return { poll, locked, ...this.#apply(poll, wanted, cascade) };
        }
        const unlocked = this.#locks.unlocked();
        for (const { overrides } of poll.defined) await overrides?.release();
        return { unlocked };
      });
      if ('poll' in plan) return { poll: plan.poll, failures: await this.#load(plan) };
      await plan.unlocked;
    }
  }

  #apply(
    { defined, removed }: Poll,
    wanted: ReadonlyMap<string, LoadOverrides> | null,
    cascade: boolean,
  ): Pick<Plan, 'effect' | 'replaced'> {
    const replaced = defined.flatMap(({ id }) => this.#graph.node(id)?.definition ?? []);
    const isExplicit = ({ name }: ModelId): boolean => wanted === null || wanted.has(name);
    return { effect: this.#graph.apply({ defined, removed, cascade, isExplicit }), replaced };
  }

  async #load({ effect, replaced, locked }: Plan): Promise<ReadonlyMap<string, string>> {
    const { lifeCycle, logger } = this.#options;
    for (const { id } of effect.removed) lifeCycle.unload(id);
    const settled = ({ key }: ModelNode): void => {
      if (locked.delete(key)) this.#locks.unlock([key]);
    };
    const loading = new GraphLoading(effect.affected, { lifeCycle, logger, settled });
    try {
      await loading.run();
    } finally {
      this.#locks.unlock(locked);
    }
    for (const definition of [...replaced, ...effect.removed.map((node) => node.definition)]) {
      await this.#discard(definition);
    }
    return loading.failures;
  }

  /** Versions that are loaded from it may serve on. */
  async #discard({ id, overrides }: ModelDefinition): Promise<void> {
    try {
      await overrides?.release();
    } catch (error) {
      this.#options.logger.error(
        `failed to remove the files of the load request for '${modelIdText(id)}': ${messageOf(error)}`,
      );
    }
  }

  /** Looks at models by name, and at the models that ensembles among them need. */
  async #pollNamed(wanted: ReadonlyMap<string, LoadOverrides>): Promise<Poll> {
    this.#requireOpen();
    const poll = newPoll();
    const names = [...wanted.keys()];
    const seen = new Set(names);
    for (const name of names) {
      const overrides = wanted.get(name) ?? noOverrides;
      const places = await this.#placesFor(name, overrides);
      if (places.length === 0) poll.complete = false;
      for (const place of places) {
        const definition = await this.#read(place, overrides, true, poll);
        for (const step of definition?.config.ensemble_scheduling?.step ?? []) {
          if (seen.has(step.model_name)) continue;
          seen.add(step.model_name);
          names.push(step.model_name);
        }
      }
    }
    return poll;
  }

  async #placesFor(name: string, overrides: LoadOverrides): Promise<readonly FoundModel[]> {
    if (overrides.files.size > 0) return [{ id: { namespace: '', name }, directory: '' }];
    const { finder, logger } = this.#options;
    const { unique, duplicates } = await finder.named(name);
    if (duplicates.length > 0) {
      logger.error(`failed to poll model '${name}': not unique across all model repositories`);
      return [];
    }
    if (unique.length === 0) {
      logger.error(`failed to poll model '${name}': model not found in any model repository.`);
    }
    return unique;
  }

  /**
   * @param retry load again what failed before although nothing changed: for a request, not for
   * polling, which would try a broken model every few seconds.
   * @returns What is known of the model; null when that is nothing.
   */
  async #read(
    found: FoundModel,
    overrides: LoadOverrides,
    retry: boolean,
    poll: Poll,
  ): Promise<ModelDefinition | null> {
    const { reader, logger } = this.#options;
    const known = this.#graph.node(found.id);
    const unchangedSince =
      known !== undefined && (known.loaded || !retry) ? known.definition.fingerprint : null;
    try {
      const definition = await reader.read(found, overrides, unchangedSince);
      if (definition !== null) {
        poll.defined.push(definition);
        return definition;
      }
    } catch (error) {
      logger.error(
        `Poll failed for model directory '${modelIdText(found.id)}': ${messageOf(error)}${hintText(error)}`,
      );
      poll.complete = false;
    }
    poll.unchanged.push(found.id);
    return known?.definition ?? null;
  }
}

function newPoll(): Poll {
  return { defined: [], unchanged: [], removed: [], complete: true };
}

function pollError(name: string): TritonError {
  return new TritonError(
    'INTERNAL',
    `failed to load '${name}', failed to poll from model repository`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
