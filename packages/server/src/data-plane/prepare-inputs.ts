import { elementByteSize, type Tensor } from '@nereid/protocol';
import { bytesContentIsValid } from './bytes-content.ts';
import type { InputRule, RequestRules } from './request-rules.ts';

/** Inputs as the backend gets them. */
export interface PreparedInputs {
  readonly inputs: readonly Tensor[];
  /** The first dimension where the model batches, otherwise 1. */
  readonly batchSize: number;
}

/**
 * The checks of every request, as comparisons with what was precomputed.
 * @returns null when any of them fails; what to tell the client is found out separately.
 */
export function prepareInputs(
  rules: RequestRules,
  inputs: readonly Tensor[],
): PreparedInputs | null {
  const count = inputs.length;
  if (count < rules.requiredInputCount || count > rules.inputs.length) return null;
  let batchSize = 0;
  let lastIndex = -1;
  let inOrder = true;
  for (let i = 0; i < count; i++) {
    const input = inputs[i] as Tensor;
    const rule = findRule(rules, input.name, i);
    if (rule === undefined || input.dataType !== rule.dataType) return null;
    if (rule.index <= lastIndex) inOrder = false;
    lastIndex = rule.index;
    const batched = rules.maxBatchSize > 0 && !rule.shapeTensor;
    if (batched) {
      const first = input.shape[0];
      if (first === undefined || first <= 0 || first > rules.maxBatchSize) return null;
      if (batchSize === 0) batchSize = first;
      else if (first !== batchSize) return null;
    }
    if (!shapeFits(rule, input.shape, batched ? 1 : 0) || !contentFits(input)) return null;
  }
  // In the order of the configuration no name can come twice, and nothing required can be missing
  // where as many came as there are.
  if ((!inOrder || count < rules.inputs.length) && !namesComplete(rules, inputs)) return null;
  return {
    inputs: rules.reshapesInputs ? inputs.map((input) => reshaped(rules, input)) : inputs,
    batchSize: batchSize === 0 ? 1 : batchSize,
  };
}

/**
 * What is left of the requests that Triton takes: those with a batch of 0. Its backends see their
 * tensors without the batch dimension, so that most of them fail.
 */
export function prepareBatchOfNone(rules: RequestRules, inputs: readonly Tensor[]): PreparedInputs {
  return {
    inputs: inputs.map((input) => {
      const rule = rules.inputByName.get(input.name) as InputRule;
      const shape = rule.shapeTensor ? input.shape : input.shape.slice(1);
      if (rule.reshape === null) return { ...input, shape };
      return { ...input, shape: reshapeShape(shape, 0, rule.dims, rule.reshape) };
    }),
    batchSize: 1,
  };
}

/** Clients list inputs in the order of the configuration, most of the time. */
function findRule(rules: RequestRules, name: string, at: number): InputRule | undefined {
  const expected = rules.inputs[at];
  return expected !== undefined && expected.name === name ? expected : rules.inputByName.get(name);
}

function shapeFits(rule: InputRule, shape: readonly number[], offset: number): boolean {
  const { dims } = rule;
  if (shape.length !== dims.length + offset) return false;
  for (let i = 0; i < dims.length; i++) {
    const dim = dims[i] as number;
    const size = shape[i + offset] as number;
    if (dim === -1 ? size < 0 : dim !== size) return false;
  }
  return true;
}

function contentFits(input: Tensor): boolean {
  let elementCount = 1;
  for (const dim of input.shape) elementCount *= dim;
  if (!Number.isSafeInteger(elementCount)) return false;
  if (input.dataType === 'BYTES') return bytesContentIsValid(input.data, elementCount);
  return elementCount * elementByteSize(input.dataType) === input.data.byteLength;
}

/** No name twice, nothing required missing. */
function namesComplete(rules: RequestRules, inputs: readonly Tensor[]): boolean {
  const names = new Set<string>();
  let required = 0;
  for (const { name } of inputs) {
    if (names.has(name)) return false;
    names.add(name);
    if (rules.inputByName.get(name)?.optional === false) required++;
  }
  return required === rules.requiredInputCount;
}

function reshaped(rules: RequestRules, input: Tensor): Tensor {
  const rule = rules.inputByName.get(input.name) as InputRule;
  if (rule.reshape === null) return input;
  const offset = rules.maxBatchSize > 0 && !rule.shapeTensor ? 1 : 0;
  return { ...input, shape: reshapeShape(input.shape, offset, rule.dims, rule.reshape) };
}

/**
 * The shape with `to` in place of `from`: sizes that vary are carried over in their order. The first
 * `offset` dimensions stay.
 */
export function reshapeShape(
  shape: readonly number[],
  offset: number,
  from: readonly number[],
  to: readonly number[],
): number[] {
  const varying: number[] = [];
  for (let i = 0; i < from.length; i++) {
    if (from[i] === -1) varying.push(shape[i + offset] ?? 0);
  }
  let next = 0;
  const rest = to.map((dim) => (dim === -1 ? (varying[next++] ?? 0) : dim));
  return [...shape.slice(0, offset), ...rest];
}
