import { TritonError } from '@nereid/protocol';
import type { Logger } from '../core/logger.ts';
import { type ModelId, modelIdText } from '../core/model-key.ts';
import { Semaphore } from '../core/semaphore.ts';
import { hintOf, hintText, statusText } from '../core/status-text.ts';
import { missingVersions, selectVersions } from '../model-config/version-policy.ts';
import type { ModelDefinition } from '../repository/model-definition.ts';
import { availableVersions } from '../repository/version-directories.ts';
import type { LoadedModel } from './loaded-model.ts';
import type { ModelRegistry } from './served-model.ts';
import type { VersionLoader } from './version-loader.ts';
import { VersionRecord } from './version-record.ts';

interface ModelEntry {
  readonly id: ModelId;
  /** By version number. An entry may be empty: its load failed before any version was tried. */
  readonly versions: Map<number, VersionRecord>;
}

export interface ModelLifeCycleOptions {
  readonly loader: VersionLoader;
  readonly logger: Logger;
  /** Versions that are loaded at the same time, of all models together. */
  readonly parallelLoadsMax: number;
  /** How often a failed load of a version is tried again. */
  readonly loadRetries: number;
}

/**
 * The versions of every model and the state each is in. Its callers see to it that no two
 * operations on one model overlap.
 */
export class ModelLifeCycle implements ModelRegistry {
  readonly #options: ModelLifeCycleOptions;
  readonly #entries = new Map<string, ModelEntry>();
  readonly #loads: Semaphore;
  /** Unloads under way and the names of their models, so that a shutdown can wait for them. */
  readonly #unloads = new Map<Promise<void>, string>();
  #resolveId: (name: string) => ModelId = (name) => ({ namespace: '', name });

  constructor(options: ModelLifeCycleOptions) {
    this.#options = options;
    this.#loads = new Semaphore(options.parallelLoadsMax);
  }

  /** With namespaces, names must be resolved by who knows the repositories. */
  resolveNamesWith(resolve: (name: string) => ModelId): void {
    this.#resolveId = resolve;
  }

  find(name: string, version: number | null): LoadedModel {
    return this.findById(this.#resolveId(name), version);
  }

  /** As `find`, for who knows the model's namespace. */
  findById(id: ModelId, version: number | null): LoadedModel {
    const { name } = id;
    const entry = this.#entries.get(modelIdText(id));
    if (entry === undefined) throw lookUpError('NOT_FOUND', `'${name}' is not found`);
    const record = version === null ? latestReady(entry) : entry.versions.get(version);
    if (record === undefined) {
      throw lookUpError(
        'NOT_FOUND',
        version === null
          ? `'${name}' has no available versions`
          : `'${name}' version ${version} is not found`,
      );
    }
    if (record.state !== 'READY') {
      throw lookUpError('UNAVAILABLE', `'${name}' version ${version} is not at ready state`);
    }
    return record.model as LoadedModel;
  }

  /** Ascending by version; null when the model was never taken up. */
  versions(id: ModelId): readonly VersionRecord[] | null {
    const entry = this.#entries.get(modelIdText(id));
    if (entry === undefined) return null;
    return [...entry.versions.values()].sort((a, b) => a.version - b.version);
  }

  /** Every model that was ever taken up. */
  *entries(): Iterable<{ id: ModelId; versions: readonly VersionRecord[] }> {
    for (const { id } of this.#entries.values()) yield { id, versions: this.versions(id) ?? [] };
  }

  /** Versions that can serve, in no particular order. */
  *readyModels(): Iterable<LoadedModel> {
    for (const { versions } of this.#entries.values()) {
      for (const record of versions.values()) {
        if (record.state === 'READY' && record.model !== null) yield record.model;
      }
    }
  }

  /**
   * Loads the versions that the model's policy selects. Versions that serve go on serving until
   * all new ones are loaded; when one fails, the new ones are unloaded and the old ones stay.
   *
   * @throws TritonError INVALID_ARG with the reasons of all versions that failed.
   */
  async load(definition: ModelDefinition): Promise<void> {
    const entry = this.#entryFor(definition.id);
    const available = await availableVersions(definition.directory, this.#options.logger);
    const policy = definition.config.version_policy;
    const versions = selectVersions(policy, available);
    for (const version of missingVersions(policy, available)) {
      this.#options.logger.error(
        `version ${version} is specified for model '${modelIdText(definition.id)}', but the version directory is not present`,
      );
    }
    if (versions.length === 0) {
      throw new TritonError(
        'INVALID_ARG',
        `at least one version must be available under the version policy of model '${modelIdText(definition.id)}'`,
      );
    }
    const records: VersionRecord[] = [];
    const fresh: VersionRecord[] = [];
    for (const version of versions) {
      const current = await this.#updatable(entry, definition, version);
      records.push(current ?? this.#newRecord(entry, version));
      if (current === null) fresh.push(records.at(-1) as VersionRecord);
    }
    const failures = await Promise.all(
      records.map((record) =>
        this.#loads.run(() =>
          fresh.includes(record)
            ? this.#loadVersion(definition, record)
            : this.#updateVersion(definition, record),
        ),
      ),
    );
    if (failures.some((failure) => failure !== null)) {
      await this.#abandon(fresh, definition);
      throw new TritonError('INVALID_ARG', failures.map((failure) => failure ?? '').join(''));
    }
    this.#replace(entry, records);
    this.#options.logger.info(`successfully loaded '${modelIdText(definition.id)}'`);
  }

  /** Starts to unload every version that serves. Requests in flight are answered first. */
  unload(id: ModelId): void {
    const entry = this.#entries.get(modelIdText(id));
    for (const record of entry?.versions.values() ?? []) this.#startUnload(id, record);
  }

  /** Resolves when every unload that has been started is over: of the models of a name, or of all. */
  async unloadsEnded(name: string | null = null): Promise<void> {
    for (;;) {
      const unloads = [...this.#unloads].filter(([, of]) => name === null || of === name);
      if (unloads.length === 0) return;
      await Promise.all(unloads.map(([unload]) => unload));
    }
  }

  #entryFor(id: ModelId): ModelEntry {
    const key = modelIdText(id);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { id, versions: new Map() };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** A version that serves keeps its place until the new one is ready. */
  #newRecord(entry: ModelEntry, version: number): VersionRecord {
    this.#options.logger.info(`loading: ${modelIdText(entry.id)}:${version}`);
    const record = new VersionRecord(version);
    if (entry.versions.get(version)?.state !== 'READY') entry.versions.set(version, record);
    return record;
  }

  /** The version that serves, where it needs not be loaded anew for the definition. */
  async #updatable(
    entry: ModelEntry,
    definition: ModelDefinition,
    version: number,
  ): Promise<VersionRecord | null> {
    const current = entry.versions.get(version);
    if (current?.state !== 'READY' || current.model === null) return null;
    if (!(await this.#options.loader.canUpdate(current.model, definition, version))) return null;
    this.#options.logger.info(`loading: ${modelIdText(entry.id)}:${version}`);
    return current;
  }

  /** @returns why the version could not be changed, null when it was: it goes on as it was or as it is to be. */
  async #updateVersion(definition: ModelDefinition, record: VersionRecord): Promise<string | null> {
    try {
      if (record.model === null) throw new Error('a version that serves has no model');
      await this.#options.loader.update(record.model, definition, record.version);
      return null;
    } catch (error) {
      const reason = statusText(error, this.#options.logger);
      this.#options.logger.error(
        `failed to update '${modelIdText(definition.id)}' version ${record.version}: ${reason}${hintText(error)}`,
      );
      return failureText(record, reason);
    }
  }

  /** @returns why the version is not loaded, null when it is. */
  async #loadVersion(definition: ModelDefinition, record: VersionRecord): Promise<string | null> {
    for (let attempt = 0; attempt <= this.#options.loadRetries; attempt++) {
      try {
        record.model = await this.#options.loader.load(definition, record.version);
        return null;
      } catch (error) {
        const reason = statusText(error, this.#options.logger);
        this.#options.logger.error(
          `failed to load '${modelIdText(definition.id)}' version ${record.version}: ${reason}${hintText(error)}`,
        );
        if (attempt === this.#options.loadRetries) record.fail(reason, hintOf(error));
      }
    }
    return failureText(record, record.reason);
  }

  async #abandon(records: readonly VersionRecord[], definition: ModelDefinition): Promise<void> {
    for (const record of records) {
      if (record.model !== null) this.#startUnload(definition.id, record);
    }
    this.#options.logger.info(`failed to load '${modelIdText(definition.id)}'`);
  }

  #replace(entry: ModelEntry, records: readonly VersionRecord[]): void {
    const loaded = new Set(records.map((record) => record.version));
    for (const old of entry.versions.values()) {
      if (!loaded.has(old.version)) this.#startUnload(entry.id, old);
    }
    for (const record of records) {
      const old = entry.versions.get(record.version);
      record.becomeReady();
      entry.versions.set(record.version, record);
      if (old !== undefined && old !== record) this.#startUnload(entry.id, old);
    }
  }

  #startUnload(id: ModelId, record: VersionRecord): void {
    if (record.model === null || record.state === 'UNLOADING') return;
    const unload = record.unload().then(
      () =>
        this.#options.logger.info(
          `successfully unloaded '${modelIdText(id)}' version ${record.version}`,
        ),
      (error: unknown) =>
        this.#options.logger.error(
          `failed to release '${modelIdText(id)}' version ${record.version}: ${String(error)}`,
        ),
    );
    this.#unloads.set(unload, id.name);
    void unload.then(() => this.#unloads.delete(unload));
  }
}

function latestReady(entry: ModelEntry): VersionRecord | undefined {
  let latest: VersionRecord | undefined;
  for (const record of entry.versions.values()) {
    if (record.state === 'READY' && record.version > (latest?.version ?? 0)) latest = record;
  }
  return latest;
}

function lookUpError(code: 'NOT_FOUND' | 'UNAVAILABLE', detail: string): TritonError {
  return new TritonError(code, `Request for unknown model: ${detail}`);
}

function failureText({ version, state }: VersionRecord, reason: string): string {
  return `version ${version} is at ${state} state: ${reason};`;
}
