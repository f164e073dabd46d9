import type { EnsemblePlan, EnsemblePort } from './ensemble-plan.ts';

/** The part of an ensemble that runs for the outputs that a request asks for. */
export interface EnsembleRoute {
  readonly plan: EnsemblePlan;
  /** In the order of the request's output names. */
  readonly outputs: readonly EnsemblePort[];
  /** By tensor: whether the ensemble answers with it. */
  readonly isOutput: readonly boolean[];
  /** By step. */
  readonly needed: readonly boolean[];
  /** By tensor: the steps of this route that wait for it. */
  readonly readers: readonly (readonly number[])[];
  /** By step: how many tensors it waits for. */
  readonly missing: readonly number[];
  /** By tensor: how often it is taken, by steps and by the ensemble's answer. */
  readonly reads: readonly number[];
  /** No tensor is taken twice: whoever takes one, or a view of one, is alone with it. */
  readonly readsOnce: boolean;
}

/** Routes that are kept: requests of one client ask for the same outputs again and again. */
const keptRoutesMax = 64;

/** The routes of one ensemble, made when first asked for. */
export class EnsembleRoutes {
  readonly #plan: EnsemblePlan;
  /** Requests that name no outputs share one list. */
  #lastNames: readonly string[] | null = null;
  #last: EnsembleRoute | null = null;
  readonly #kept = new Map<string, EnsembleRoute>();

  constructor(plan: EnsemblePlan) {
    this.#plan = plan;
  }

  /** @param outputNames Of outputs that the ensemble has. */
  routeFor(outputNames: readonly string[]): EnsembleRoute {
    if (this.#last !== null && this.#lastNames === outputNames) return this.#last;
    const key = JSON.stringify(outputNames);
    let route = this.#kept.get(key);
    if (route === undefined) {
      route = ensembleRoute(this.#plan, outputNames);
      if (this.#kept.size < keptRoutesMax) this.#kept.set(key, route);
    }
    this.#lastNames = outputNames;
    this.#last = route;
    return route;
  }
}

function ensembleRoute(plan: EnsemblePlan, outputNames: readonly string[]): EnsembleRoute {
  const outputs = outputNames.map((name) => {
    const port = plan.outputs.get(name);
    if (port === undefined) throw new Error(`ensemble '${plan.name}' has no output '${name}'`);
    return port;
  });
  const isOutput = plan.readers.map(() => false);
  for (const { tensor } of outputs) isOutput[tensor] = true;
  const needed = neededSteps(plan, outputs);
  const readers = plan.readers.map((steps) => steps.filter((step) => needed[step] === true));
  const reads = readers.map((steps, tensor) => steps.length + (isOutput[tensor] === true ? 1 : 0));
  return {
    plan,
    outputs,
    isOutput,
    needed,
    readers,
    missing: plan.steps.map((step) => step.inputTensors.length),
    reads,
    readsOnce: reads.every((count) => count <= 1),
  };
}

/** From the outputs backwards. Triton leaves out some steps that are needed where an output is also an input of one. */
function neededSteps(plan: EnsemblePlan, outputs: readonly EnsemblePort[]): readonly boolean[] {
  const needed = plan.steps.map(() => false);
  const tensors = outputs.map(({ tensor }) => tensor);
  for (let at = 0; at < tensors.length; at++) {
    const step = plan.steps[plan.writers[tensors[at] as number] as number];
    if (step === undefined || needed[step.index] === true) continue;
    needed[step.index] = true;
    tensors.push(...step.inputTensors);
  }
  return needed;
}
