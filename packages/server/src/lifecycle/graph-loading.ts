import { TritonError } from '@nereid/protocol';
import type { Logger } from '../core/logger.ts';
import { statusText } from '../core/status-text.ts';
import { validateEnsembleModels } from '../model-config/validate-ensemble-models.ts';
import { linkedConfig, type ModelNode, neededNode } from './dependency-graph.ts';
import type { ModelLifeCycle } from './model-life-cycle.ts';

export interface GraphLoadingOptions {
  readonly lifeCycle: ModelLifeCycle;
  readonly logger: Logger;
  /** Called for each model when it and the affected ensembles that need it are settled. */
  readonly settled: (node: ModelNode) => void;
}

/**
 * Loads what a change of the graph affected: each model as soon as those that it needs are there,
 * everything else side by side. An ensemble that cannot be loaded is unloaded, since what it served
 * with has changed; any other model serves on with what it had.
 */
export class GraphLoading {
  readonly #options: GraphLoadingOptions;
  readonly #affected: ReadonlySet<ModelNode>;
  readonly #settling = new Map<ModelNode, Promise<void>>();
  /** Why models failed, by key. */
  readonly failures: Map<string, string> = new Map();

  constructor(affected: ReadonlySet<ModelNode>, options: GraphLoadingOptions) {
    this.#affected = affected;
    this.#options = options;
  }

  /** Never rejects: what fails is among the failures. */
  async run(): Promise<void> {
    const ends = [...this.#affected].map(async (node) => {
      await this.#settle(node);
      for (const dependent of node.neededBy) await this.#settle(dependent);
      this.#options.settled(node);
    });
    await Promise.all(ends);
  }

  #settle(node: ModelNode): Promise<void> {
    if (!this.#affected.has(node)) return Promise.resolve();
    let settling = this.#settling.get(node);
    if (settling === undefined) {
      settling = this.#bring(node);
      this.#settling.set(node, settling);
    }
    return settling;
  }

  async #bring(node: ModelNode): Promise<void> {
    // Those of a circle are refused already, and must not wait for each other.
    if (node.refusal === null) {
      for (const needed of node.needs.keys()) await this.#settle(needed);
    }
    try {
      const decoupled = this.#checked(node);
      await this.#load(node, decoupled);
    } catch (error) {
      this.#refuse(node, error);
    }
    node.settled = true;
  }

  async #load(node: ModelNode, decoupled: boolean): Promise<void> {
    const { lifeCycle, logger } = this.#options;
    try {
      await lifeCycle.load({ ...node.definition, config: linkedConfig(node, decoupled) });
      node.loaded = true;
    } catch (error) {
      const text = messageOf(error);
      logger.error(`failed to load model '${node.key}': ${text}`);
      this.failures.set(node.key, text);
      node.loaded = false;
    }
    const versions = lifeCycle.versions(node.id) ?? [];
    node.loadedVersions = new Set(
      versions.filter(({ state }) => state === 'READY').map(({ version }) => version),
    );
  }

  #refuse(node: ModelNode, error: unknown): void {
    const { lifeCycle, logger } = this.#options;
    node.refusal = error instanceof TritonError ? error : null;
    node.loaded = false;
    node.loadedVersions = new Set();
    lifeCycle.unload(node.id);
    logger.error(statusText(error, logger));
    this.failures.set(node.key, messageOf(error));
  }

  /** @returns Whether an ensemble is decoupled. @throws TritonError for an ensemble that cannot run. */
  #checked(node: ModelNode): boolean {
    if (node.refusal !== null) throw node.refusal;
    const { config } = node.definition;
    if (config.ensemble_scheduling === null) return false;
    for (const [needed, versions] of node.needs) this.#checkNeeded(node, needed, versions);
    const { lifeCycle } = this.#options;
    return validateEnsembleModels(
      node.id,
      linkedConfig(node, false),
      (step) => lifeCycle.findById(neededNode(node, step).id, null).config,
    );
  }

  #checkNeeded(node: ModelNode, needed: ModelNode, versions: ReadonlySet<number | null>): void {
    const depends = `ensemble '${node.key}' depends on '${needed.key}'`;
    if (needed.refusal !== null) {
      throw invalid(
        `${depends} which is not valid. Model '${needed.key}' failed with error: ${needed.refusal.message}`,
      );
    }
    if (needed.loadedVersions.size === 0) {
      const failure = this.failures.get(needed.key);
      const reason =
        failure === undefined ? '' : ` Model '${needed.key}' loading failed with error: ${failure}`;
      throw invalid(`${depends} which has no loaded version.${reason}`);
    }
    for (const version of versions) {
      if (version === null || needed.loadedVersions.has(version)) continue;
      throw invalid(`${depends} whose required version ${version} is not loaded.`);
    }
  }
}

function invalid(text: string): TritonError {
  return new TritonError('INVALID_ARG', text);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
