import type { CStrings } from './c-strings.ts';
import { elementTypeCode, elementTypeOf } from './data-type.ts';
import type { OnnxTensor, TensorContext, TensorLayout } from './onnx-tensor.ts';
import { StagedRun } from './staged-run.ts';
import type { OnnxInput } from './tensor-run.ts';

/** Shapes remembered a session: batch sizes and then some; the least recently used goes first. */
const PLANS_MAX = 32;
/** Beyond this a copy costs more than the native values that staging saves. */
const STAGED_BYTES_MAX = 32 * 1024;
/** All staging memory of a session. */
const STAGED_TOTAL_BYTES_MAX = 512 * 1024;

/** What the outputs of a run will be, known from a run of the same input shapes before. */
export interface RunPlan {
  readonly inputNames: readonly string[];
  readonly inputs: readonly TensorLayout[];
  readonly outputNames: readonly string[];
  readonly outputs: readonly TensorLayout[];
  staged: StagedRun | null;
}

function layoutOf(tensor: OnnxTensor): TensorLayout | null {
  if (tensor.dataType === 'BYTES') return null;
  const elementType = elementTypeCode(tensor.dataType);
  const count = tensor.shape.reduce((product, dimension) => product * dimension, 1);
  return {
    elementType,
    dataType: tensor.dataType,
    shape: Object.freeze([...tensor.shape]),
    byteLength: count * elementTypeOf(elementType).byteSize,
  };
}

function layoutsOf(tensors: readonly OnnxTensor[]): readonly TensorLayout[] | null {
  const layouts: TensorLayout[] = [];
  for (const tensor of tensors) {
    const layout = layoutOf(tensor);
    if (layout === null) return null;
    layouts.push(layout);
  }
  return layouts;
}

function sameShape(left: readonly number[], right: readonly number[]): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}

/** Not one function with `sameShape`: comparing two kinds of elements, that took half as long again. */
function sameNames(left: readonly string[], right: readonly string[]): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}

function fits(
  plan: RunPlan,
  inputs: readonly OnnxInput[],
  outputNames: readonly string[],
): boolean {
  if (plan.inputs.length !== inputs.length) return false;
  for (let index = 0; index < inputs.length; index += 1) {
    const { name, tensor } = inputs[index]!;
    const layout = plan.inputs[index]!;
    if (
      tensor.data.byteLength !== layout.byteLength ||
      tensor.dataType !== layout.dataType ||
      name !== plan.inputNames[index] ||
      !sameShape(tensor.shape, layout.shape)
    ) {
      return false;
    }
  }
  return sameNames(plan.outputNames, outputNames);
}

/**
 * What a session has learned of its own shapes. The same input shapes nearly always give the same
 * output shapes, so that the outputs can be placed beforehand: in memory that the caller gets, without
 * a copy, or in a staged run. A model whose output shapes depend on values is found out by the first
 * run that ONNX Runtime refuses; then the session stops planning.
 */
export class RunPlans {
  readonly #plans: RunPlan[] = [];
  #enabled = true;
  #stagedBytes = 0;

  /** The plan of a run; null when nothing is known of it. */
  find(inputs: readonly OnnxInput[], outputNames: readonly string[]): RunPlan | null {
    const plans = this.#plans;
    for (let index = 0; index < plans.length; index += 1) {
      const plan = plans[index]!;
      if (!fits(plan, inputs, outputNames)) continue;
      if (index > 0) {
        plans.splice(index, 1);
        plans.unshift(plan);
      }
      return plan;
    }
    return null;
  }

  /** Learns from a run that succeeded without a plan. */
  learn(
    inputs: readonly OnnxInput[],
    outputNames: readonly string[],
    results: readonly OnnxTensor[],
  ): void {
    if (!this.#enabled || this.find(inputs, outputNames) !== null) return;
    // An output that is an input passed through is not written to a place of ours.
    const names = new Set(outputNames);
    if (names.size !== outputNames.length || inputs.some(({ name }) => names.has(name))) return;
    const inputLayouts = layoutsOf(inputs.map(({ tensor }) => tensor));
    const outputLayouts = layoutsOf(results);
    if (inputLayouts === null || outputLayouts === null) return;
    if (this.#plans.length === PLANS_MAX) this.#drop(this.#plans.pop()!);
    this.#plans.unshift({
      inputNames: inputs.map(({ name }) => name),
      inputs: inputLayouts,
      outputNames: [...outputNames],
      outputs: outputLayouts,
      staged: null,
    });
  }

  /** The staged run of a plan, made at its first use; null when its tensors are too large. */
  stagedRunOf(plan: RunPlan, context: TensorContext, names: CStrings): StagedRun | null {
    if (plan.staged !== null) return plan.staged;
    const byteLength = StagedRun.byteLengthOf([...plan.inputs, ...plan.outputs]);
    if (byteLength > STAGED_BYTES_MAX) return null;
    if (this.#stagedBytes + byteLength > STAGED_TOTAL_BYTES_MAX) return null;
    plan.staged = new StagedRun(
      context,
      names,
      plan.inputNames,
      plan.inputs,
      plan.outputNames,
      plan.outputs,
    );
    this.#stagedBytes += byteLength;
    return plan.staged;
  }

  /** Forgets everything and learns nothing more. */
  disable(): void {
    this.#enabled = false;
    for (const plan of this.#plans) this.#drop(plan);
    this.#plans.length = 0;
  }

  #drop(plan: RunPlan): void {
    if (plan.staged === null) return;
    this.#stagedBytes -= plan.staged.byteLength;
    plan.staged.release();
    plan.staged = null;
  }
}
