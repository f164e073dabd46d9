import { TritonError } from '@nereid/protocol';
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

/** What is known of a model that was loaded, or that someone tried to load. */
interface KnownModel {
  definition: ModelDefinition;
  /** False after a failed load: an explicit load tries again although the files are the same. */
  loaded: boolean;
}

/**
 * Decides which models are loaded: at start, on request, and when the repositories change. One
 * operation at a time for each model name; different models load side by side.
 */
export class ModelManager {
  readonly #options: ModelManagerOptions;
  readonly #known = new Map<string, KnownModel>();
  readonly #operations = new KeyedMutex();
  /** Names that were loaded by request: they are not unloaded for being idle. */
  readonly #requested = new Set<string>();

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
    const { finder, logger, lifeCycle } = this.#options;
    const { unique, duplicates } = await finder.all();
    for (const id of duplicates) {
      logger.error(
        `failed to poll model '${modelIdText(id)}': not unique across all model repositories`,
      );
    }
    const results = await Promise.all(
      unique.map((found) =>
        this.#operations.run(found.id.name, () => this.#loadFound(found, noOverrides, false)),
      ),
    );
    const present = new Set(unique.map((found) => modelIdText(found.id)));
    for (const [key, known] of [...this.#known]) {
      if (present.has(key)) continue;
      await this.#operations.run(known.definition.id.name, async () => {
        lifeCycle.unload(known.definition.id);
        this.#forget(key);
      });
    }
    return duplicates.length === 0 && results.every((result) => result.kind === 'served');
  }

  /** Loads the models that `--load-model` names. @returns false when one could not be. */
  async loadNamed(names: readonly string[]): Promise<boolean> {
    const results = await Promise.all(
      names.map((name) =>
        this.load(name, noOverrides).then(
          () => true,
          () => false,
        ),
      ),
    );
    return results.every(Boolean);
  }

  /**
   * The load request. A model that serves is loaded again only if its folder changed or
   * `overrides` replace something; the old version serves until the new one is ready.
   *
   * @throws TritonError with Triton's texts.
   */
  async load(name: string, overrides: LoadOverrides): Promise<void> {
    this.#requireExplicit();
    checkModelName(name);
    await this.#operations.run(name, () => this.#loadByName(name, overrides));
    this.#requested.add(name);
  }

  /** Loads a model that a request looked for, as it is in its repository. @throws TritonError */
  async loadOnDemand(name: string): Promise<void> {
    checkModelName(name);
    await this.#operations.run(name, () => this.#loadByName(name, noOverrides));
  }

  /** Starts to unload a model that was loaded on demand. */
  async unloadOnDemand(name: string): Promise<void> {
    await this.#operations.run(name, () => this.#unloadByName(name));
  }

  wasRequested(name: string): boolean {
    return this.#requested.has(name);
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

  /** The unload request. Unknown models are no error. */
  async unload(name: string): Promise<void> {
    this.#requireExplicit();
    await this.#operations.run(name, () => this.#unloadByName(name));
    this.#requested.delete(name);
  }

  async #unloadByName(name: string): Promise<void> {
    for (const [key, known] of [...this.#known]) {
      if (known.definition.id.name !== name) continue;
      this.#options.lifeCycle.unload(known.definition.id);
      this.#forget(key);
    }
  }

  /** Unloads everything and waits until requests in flight are answered and memory is released. */
  async unloadAll(): Promise<void> {
    for (const known of [...this.#known.values()]) {
      const { id } = known.definition;
      await this.#operations.run(id.name, async () => {
        this.#options.lifeCycle.unload(id);
        this.#forget(modelIdText(id));
      });
    }
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
    const ids = [...this.#known.values()]
      .map((known) => known.definition.id)
      .filter((id) => id.name === name);
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

  #requireExplicit(): void {
    const { controlMode } = this.#options;
    if (controlMode === 'explicit' || controlMode === 'lazy') return;
    throw new TritonError(
      'UNAVAILABLE',
      'explicit model load / unload is not allowed if polling is enabled',
    );
  }

  async #loadByName(name: string, overrides: LoadOverrides): Promise<void> {
    const { logger } = this.#options;
    const places = await this.#placesFor(name, overrides);
    if (places.length === 0) throw pollError(name);
    let failures = '';
    let polled = true;
    for (const place of places) {
      const result = await this.#loadFound(place, overrides, true);
      if (result.kind === 'unreadable') polled = false;
      if (result.kind === 'failed') {
        failures += `load failed for model '${modelIdText(place.id)}': ${result.reason}\n`;
      }
    }
    if (failures !== '') {
      logger.verbose(1, failures);
      throw new TritonError('INVALID_ARG', failures);
    }
    if (!polled) throw pollError(name);
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
   */
  async #loadFound(
    found: FoundModel,
    overrides: LoadOverrides,
    retry: boolean,
  ): Promise<LoadResult> {
    const { reader, lifeCycle, logger } = this.#options;
    const key = modelIdText(found.id);
    const known = this.#known.get(key);
    let definition: ModelDefinition | null;
    try {
      const unchangedSince =
        known !== undefined && (known.loaded || !retry) ? known.definition.fingerprint : null;
      definition = await reader.read(found, overrides, unchangedSince);
    } catch (error) {
      logger.error(
        `Poll failed for model directory '${key}': ${messageOf(error)}${hintText(error)}`,
      );
      return { kind: 'unreadable' };
    }
    if (definition === null) return known?.loaded === true ? served : { kind: 'unchanged' };
    try {
      await lifeCycle.load(definition);
    } catch (error) {
      logger.error(`failed to load model '${key}': ${messageOf(error)}`);
      this.#remember(key, definition, false);
      return { kind: 'failed', reason: messageOf(error) };
    }
    this.#remember(key, definition, true);
    return served;
  }

  #remember(key: string, definition: ModelDefinition, loaded: boolean): void {
    const before = this.#known.get(key);
    this.#known.set(key, { definition, loaded });
    if (before !== undefined) void before.definition.overrides?.remove();
  }

  #forget(key: string): void {
    const known = this.#known.get(key);
    this.#known.delete(key);
    if (known !== undefined) void known.definition.overrides?.remove();
  }
}

type LoadResult =
  | { readonly kind: 'served' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'failed'; readonly reason: string };

const served: LoadResult = { kind: 'served' };

function pollError(name: string): TritonError {
  return new TritonError(
    'INTERNAL',
    `failed to load '${name}', failed to poll from model repository`,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
