import { type EnsembleStep, type ModelConfig, TritonError } from '@nereid/protocol';
import { type ModelId, modelIdText } from '../core/model-key.ts';
import type { ModelDefinition } from '../repository/model-definition.ts';

/** A model that someone asked for, and the models that it needs if it is an ensemble. */
export interface ModelNode {
  readonly id: ModelId;
  readonly key: string;
  definition: ModelDefinition;
  /** Asked for by its own name: it stays when the last ensemble that needs it goes. */
  explicit: boolean;
  /** False after a failed load: an explicit load tries again although the files are the same. */
  loaded: boolean;
  /** Why it cannot be loaded as the graph is; null when that is not known to be so. */
  refusal: TritonError | null;
  /** False when it must be loaded, or tried, anew. */
  settled: boolean;
  loadedVersions: ReadonlySet<number>;
  /** What it needs, with the versions that its steps name; null for the highest. */
  readonly needs: Map<ModelNode, Set<number | null>>;
  /** Ensembles that need it. */
  readonly neededBy: Set<ModelNode>;
  /** Names of models that it needs and that are not there. */
  readonly missing: Set<string>;
}

/** Models that appeared or changed, and models that go. */
export interface GraphChange {
  readonly defined: readonly ModelDefinition[];
  readonly removed: readonly ModelId[];
  /** With removed models go those that only they needed and nobody asked for. */
  readonly cascade: boolean;
  /** Whether a model was asked for by its own name. */
  readonly isExplicit: (id: ModelId) => boolean;
}

/** What a change did. */
export interface GraphEffect {
  /** To be loaded or checked again. */
  readonly affected: ReadonlySet<ModelNode>;
  readonly removed: readonly ModelNode[];
}

/** Ensembles in ensembles in ensembles: more would end the stack. */
const ensembleDepthMax = 64;

/** Which models are known and which need which. Knows nothing of loading. */
export class DependencyGraph {
  readonly #nodes = new Map<string, ModelNode>();
  readonly #byName = new Map<string, Set<ModelNode>>();
  /** Ensembles that wait for a model of this name to appear, or for a better match. */
  readonly #wanting = new Map<string, Set<ModelNode>>();

  node(id: ModelId): ModelNode | undefined {
    return this.#nodes.get(modelIdText(id));
  }

  nodes(): Iterable<ModelNode> {
    return this.#nodes.values();
  }

  /** Several only with namespaces. */
  named(name: string): readonly ModelNode[] {
    return [...(this.#byName.get(name) ?? [])];
  }

  /** Every model that a change to these may concern, by key. */
  reach(ids: Iterable<ModelId>, cascade: boolean): Set<string> {
    const keys = new Set<string>();
    const queue: ModelNode[] = [];
    const visit = (node: ModelNode): void => {
      if (keys.has(node.key)) return;
      keys.add(node.key);
      queue.push(node);
    };
    for (const id of ids) {
      const node = this.node(id);
      if (node === undefined) keys.add(modelIdText(id));
      else visit(node);
      for (const wanting of this.#wanting.get(id.name) ?? []) visit(wanting);
    }
    for (const node of queue) {
      for (const dependent of node.neededBy) visit(dependent);
      if (cascade) for (const needed of node.needs.keys()) visit(needed);
    }
    return keys;
  }

  apply(change: GraphChange): GraphEffect {
    const affected = new Set<ModelNode>();
    const removed = this.#remove(change, affected);
    for (const definition of change.defined) {
      const known = this.node(definition.id);
      if (known !== undefined) this.#disconnect(known);
      const node = known ?? this.#add(definition);
      node.definition = definition;
      node.explicit ||= change.isExplicit(definition.id);
      this.#unsettle(node, affected);
      for (const wanting of this.#wanting.get(definition.id.name) ?? []) {
        this.#unsettle(wanting, affected);
      }
    }
    for (const node of removed) affected.delete(node);
    for (const node of affected) this.#connect(node);
    for (const node of affected) refuseCircle(node);
    for (const node of affected) refuseDepth(node);
    return { affected, removed };
  }

  #add(definition: ModelDefinition): ModelNode {
    const { id } = definition;
    const node: ModelNode = {
      id,
      key: modelIdText(id),
      definition,
      explicit: false,
      loaded: false,
      refusal: null,
      settled: false,
      loadedVersions: new Set(),
      needs: new Map(),
      neededBy: new Set(),
      missing: new Set(),
    };
    this.#nodes.set(node.key, node);
    addTo(this.#byName, id.name, node);
    return node;
  }

  /** Marks a model and all that need it. */
  #unsettle(start: ModelNode, affected: Set<ModelNode>): void {
    const queue = [start];
    for (const node of queue) {
      if (affected.has(node)) continue;
      affected.add(node);
      node.settled = false;
      node.refusal = null;
      queue.push(...node.neededBy);
    }
  }

  #remove(change: GraphChange, affected: Set<ModelNode>): ModelNode[] {
    const queue = change.removed.flatMap((id) => this.node(id) ?? []);
    const removed = new Set<ModelNode>();
    for (const node of queue) {
      if (removed.has(node)) continue;
      removed.add(node);
      for (const dependent of node.neededBy) this.#unsettle(dependent, affected);
      const needed = [...node.needs.keys()];
      this.#disconnect(node);
      for (const dependent of node.neededBy) dependent.needs.delete(node);
      this.#nodes.delete(node.key);
      this.#byName.get(node.id.name)?.delete(node);
      if (!change.cascade) continue;
      for (const other of needed) {
        if (other.neededBy.size === 0 && !other.explicit) queue.push(other);
      }
    }
    return [...removed];
  }

  #disconnect(node: ModelNode): void {
    for (const needed of node.needs.keys()) needed.neededBy.delete(node);
    for (const step of node.definition.config.ensemble_scheduling?.step ?? []) {
      this.#wanting.get(step.model_name)?.delete(node);
    }
    for (const name of node.missing) this.#wanting.get(name)?.delete(node);
    node.needs.clear();
    node.missing.clear();
  }

  /** Links an ensemble to the models of its steps: those beside it, else the only one of the name. */
  #connect(node: ModelNode): void {
    this.#disconnect(node);
    for (const step of node.definition.config.ensemble_scheduling?.step ?? []) {
      const needed = this.#match(node.id.namespace, step);
      if (needed === undefined) node.missing.add(step.model_name);
      if (needed === undefined || needed.id.namespace !== node.id.namespace) {
        addTo(this.#wanting, step.model_name, node);
      }
      if (needed === undefined) continue;
      const versions = node.needs.get(needed) ?? new Set();
      versions.add(step.model_version < 0 ? null : step.model_version);
      node.needs.set(needed, versions);
      needed.neededBy.add(node);
    }
    if (node.missing.size === 0) return;
    const names = [...node.missing].sort().join(', ');
    node.refusal = new TritonError(
      'INVALID_ARG',
      `ensemble ${node.key} contains models that are not available or ambiguous: ${names}`,
    );
  }

  #match(namespace: string, step: EnsembleStep): ModelNode | undefined {
    const beside = this.node({ namespace, name: step.model_name });
    if (beside !== undefined) return beside;
    const named = this.#byName.get(step.model_name);
    return named?.size === 1 ? [...named][0] : undefined;
  }
}

/** The node of the model that a step of an ensemble names. */
export function neededNode(node: ModelNode, step: EnsembleStep): ModelNode {
  const named = [...node.needs.keys()].filter(({ id }) => id.name === step.model_name);
  const needed = named.find(({ id }) => id.namespace === node.id.namespace) ?? named[0];
  if (needed === undefined) throw new Error(`'${node.key}' is not linked to its steps`);
  return needed;
}

/** An ensemble's configuration with what the graph knows: where its models lie, whether it is decoupled. */
export function linkedConfig(node: ModelNode, decoupled: boolean): ModelConfig {
  const { config } = node.definition;
  const scheduling = config.ensemble_scheduling;
  if (scheduling === null) return config;
  const step = scheduling.step.map((given) => ({
    ...given,
    model_namespace: neededNode(node, given).id.namespace,
  }));
  return {
    ...config,
    ensemble_scheduling: { ...scheduling, step },
    model_transaction_policy: { ...config.model_transaction_policy, decoupled },
  };
}

function addTo(map: Map<string, Set<ModelNode>>, name: string, node: ModelNode): void {
  const nodes = map.get(name);
  if (nodes === undefined) map.set(name, new Set([node]));
  else nodes.add(node);
}

/** Goes from a model to those that it needs; finds it again when they need it. */
function refuseCircle(start: ModelNode): void {
  if (start.refusal !== null) return;
  const cameFrom = new Map<ModelNode, ModelNode>();
  const stack = [start];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    for (const needed of node.needs.keys()) {
      if (needed === start) {
        refuseCircleThrough(start, node, cameFrom);
        return;
      }
      if (cameFrom.has(needed)) continue;
      cameFrom.set(needed, node);
      stack.push(needed);
    }
  }
}

/** Every model of the circle fails for the same reason. */
function refuseCircleThrough(
  start: ModelNode,
  last: ModelNode,
  cameFrom: ReadonlyMap<ModelNode, ModelNode>,
): void {
  const refusal = new TritonError(
    'INVALID_ARG',
    `circular dependency between ensembles: ${start.key} -> ... -> ${last.key} -> ${start.key}`,
  );
  start.refusal = refusal;
  for (let node: ModelNode | undefined = last; node !== undefined && node !== start; ) {
    node.refusal ??= refusal;
    node = cameFrom.get(node);
  }
}

/** Must come after circles are refused. */
function refuseDepth(node: ModelNode): void {
  let layer = new Set([node]);
  for (let depth = 0; layer.size > 0; depth++) {
    if (depth > ensembleDepthMax) {
      node.refusal ??= new TritonError(
        'INVALID_ARG',
        `ensemble ${node.key} is nested more than ${ensembleDepthMax} ensembles deep, which is more than this server runs`,
      );
      return;
    }
    layer = new Set([...layer].flatMap((each) => [...each.needs.keys()]));
  }
}
