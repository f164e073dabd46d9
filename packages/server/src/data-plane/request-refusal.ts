import {
  elementByteSize,
  type InferRequestMessage,
  requestIdPrefix,
  type Tensor,
} from '@nereid/protocol';
import { unorderedMapOrder } from '../core/unordered-map-order.ts';
import { bytesContentRefusal } from './bytes-content.ts';

import { compareBytes, type InputRule, type RequestRules } from './request-rules.ts';
import { sequenceIdRefusal } from './sequence-id.ts';

const batchDimensionNote =
  'NOTE: Setting a non-zero max_batch_size in the model config requires a batch dimension to be prepended to each input shape. If you want to specify the full shape including the batch dim in your input dims config, try setting max_batch_size to zero. See the model configuration docs for more info on max_batch_size.';

/**
 * Says what is wrong with a request, as Triton does: its checks, in its order, in its words. Slow;
 * called only when the fast checks found that something is.
 *
 * @param inputs The message's, or the tensor that its raw input became.
 * @param inputNameInTexts What error texts call the inputs where that is not their name (a raw input), or null.
 * @returns null when Triton's core would take the request.
 */
export function explainRefusal(
  rules: RequestRules,
  message: InferRequestMessage,
  inputs: readonly Tensor[],
  inputNameInTexts: string | null,
): string | null {
  return new RefusalExplainer(rules, message, inputs, inputNameInTexts).explain();
}

class RefusalExplainer {
  readonly #rules: RequestRules;
  readonly #message: InferRequestMessage;
  readonly #given: readonly Tensor[];
  readonly #inputNameInTexts: string | null;
  readonly #prefix: string;
  /** By name; of inputs of one name the first. */
  readonly #inputs = new Map<string, Tensor>();
  #batchSize = 0;

  constructor(
    rules: RequestRules,
    message: InferRequestMessage,
    inputs: readonly Tensor[],
    inputNameInTexts: string | null,
  ) {
    this.#rules = rules;
    this.#message = message;
    this.#given = inputs;
    this.#inputNameInTexts = inputNameInTexts;
    this.#prefix = requestIdPrefix(message.id);
  }

  explain(): string | null {
    const refusal = this.#explainDuplicates() ?? this.#explainOutputs() ?? this.#explainCount();
    if (refusal !== null) return refusal;
    const inputs = unorderedMapOrder([...this.#inputs.keys()]).map(
      (name) => this.#inputs.get(name) as Tensor,
    );
    return (
      this.#explainBatch(inputs) ??
      this.#explainInputs(inputs) ??
      this.#explainMissing() ??
      sequenceIdRefusal(this.#rules, this.#message)
    );
  }

  #explainDuplicates(): string | null {
    for (const input of this.#given) {
      if (this.#inputs.has(input.name)) {
        return `${this.#prefix}input '${input.name}' already exists in request`;
      }
      this.#inputs.set(input.name, input);
    }
    const outputs = new Set<string>();
    for (const { name } of this.#message.outputs) {
      if (outputs.has(name)) return `${this.#prefix}output '${name}' already exists in request`;
      outputs.add(name);
    }
    return null;
  }

  #explainOutputs(): string | null {
    // Triton names the first in the order of their bytes; there may be a million of them.
    let unknown: string | null = null;
    for (const { name } of this.#message.outputs) {
      if (this.#rules.outputByName.has(name)) continue;
      if (unknown === null || compareBytes(name, unknown) < 0) unknown = name;
    }
    if (unknown === null) return null;
    return `unexpected inference output '${unknown}' for model '${this.#rules.modelName}'`;
  }

  #explainCount(): string | null {
    const { inputs: rules, requiredInputCount: required } = this.#rules;
    const count = this.#inputs.size;
    return count >= required && count <= rules.length ? null : this.#wrongInputs();
  }

  /** Triton's core lets a required input be replaced by an optional one; its backends then fail in their own ways. */
  #explainMissing(): string | null {
    const { inputs } = this.#rules;
    const complete = inputs.every((rule) => rule.optional || this.#inputs.has(rule.name));
    return complete ? null : this.#wrongInputs();
  }

  #wrongInputs(): string {
    const { inputs: rules, requiredInputCount: required, modelName } = this.#rules;
    const count = this.#inputs.size;
    const missing = rules.filter((rule) => !rule.optional && !this.#inputs.has(rule.name));
    const expected =
      required === rules.length
        ? `expected ${rules.length} inputs but got ${count} inputs`
        : `expected number of inputs between ${required} and ${rules.length} but got ${count} inputs`;
    const got = unorderedMapOrder([...this.#inputs.keys()]);
    // Where nothing is missing Triton takes the opening bracket for a comma and drops it.
    const missingText = missing.length === 0 ? ']' : quotedList(missing.map((rule) => rule.name));
    return `${this.#prefix}${expected} for model '${modelName}'. Got input(s) ${quotedList(got)}, but missing required input(s) ${missingText}. Please provide all required input(s).`;
  }

  #explainBatch(inputs: readonly Tensor[]): string | null {
    const { maxBatchSize, modelName } = this.#rules;
    for (const input of inputs) {
      const rule = this.#rules.inputByName.get(input.name);
      if (rule === undefined) return this.#unexpectedInput(input.name);
      if (maxBatchSize === 0 || rule.shapeTensor) continue;
      const [first] = input.shape;
      if (first === undefined) {
        return `${this.#prefix}input '${input.name}' has no shape but model requires batch dimension for '${modelName}'`;
      }
      if (this.#batchSize === 0) {
        // Triton keeps 32 bits of it, so that a negative size is a large one here.
        this.#batchSize = first >>> 0;
      } else if (first !== this.#batchSize) {
        return `${this.#prefix}input '${input.name}' batch size does not match other inputs for '${modelName}'`;
      }
    }
    if (this.#batchSize <= maxBatchSize) return null;
    return `${this.#prefix}inference request batch-size must be <= ${maxBatchSize} for '${modelName}'`;
  }

  #unexpectedInput(name: string): string {
    return `unexpected inference input '${name}' for model '${this.#rules.modelName}'`;
  }

  #explainInputs(inputs: readonly Tensor[]): string | null {
    for (const input of inputs) {
      const rule = this.#rules.inputByName.get(input.name) as InputRule;
      const refusal =
        this.#explainDataType(input, rule) ??
        this.#explainShape(input, rule) ??
        this.#explainContent(input, rule);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  #explainDataType(input: Tensor, rule: InputRule): string | null {
    if (input.dataType === rule.dataType) return null;
    return `${this.#prefix}inference input '${this.#nameInText(input)}' data-type is '${input.dataType}', but model '${this.#rules.modelName}' expects '${rule.dataType}'`;
  }

  #explainShape(input: Tensor, rule: InputRule): string | null {
    const { modelName, maxBatchSize } = this.#rules;
    const batched = maxBatchSize > 0 && !rule.shapeTensor;
    const shape = batched ? input.shape.slice(1) : input.shape;
    if (shape.length === rule.dims.length && shape[firstFault(rule.dims, shape)] === -1) {
      return `${this.#prefix}All input dimensions should be specified for input '${this.#nameInText(input)}' for model '${modelName}', got ${shapeText(input.shape)}`;
    }
    if (shapeMatches(rule.dims, shape)) return null;
    const expected = maxBatchSize > 0 ? [-1, ...rule.dims] : rule.dims;
    const note = maxBatchSize > 0 ? batchDimensionNote : '';
    return `${this.#prefix}unexpected shape for input '${this.#nameInText(input)}' for model '${modelName}'. Expected ${shapeText(expected)}, got ${shapeText(input.shape)}. ${note}`;
  }

  #explainContent(input: Tensor, rule: InputRule): string | null {
    const { modelName, maxBatchSize } = this.#rules;
    const name = this.#nameInText(input);
    // Triton's own quirk: with a batch of 0 it forgets the batch dimension.
    const withoutBatch = maxBatchSize > 0 && this.#batchSize === 0 && !rule.shapeTensor;
    const shape = withoutBatch ? input.shape.slice(1) : input.shape;
    if (shape.some((dim) => dim < 0)) {
      const where = input.dataType === 'BYTES' ? 'dimension in shape' : 'dimension';
      return `tensor '${name}' contains an invalid ${where} ${shapeText(shape)}`;
    }
    const elementCount = countElements(shape);
    if (input.dataType === 'BYTES') {
      if (elementCount > 2n ** 63n - 1n) return elementCountOverflow(name);
      return bytesContentRefusal(input.data, elementCount, this.#prefix, name, modelName);
    }
    const expected = elementCount * BigInt(elementByteSize(input.dataType));
    if (expected > 2n ** 63n - 1n) {
      return `byte size for tensor '${name}' exceeds maximum size of 9223372036854775807`;
    }
    if (expected === BigInt(input.data.byteLength)) return null;
    return `${this.#prefix}input byte size mismatch for input '${name}' for model '${modelName}'. Expected ${expected}, got ${input.data.byteLength}`;
  }

  #nameInText(input: Tensor): string {
    return this.#inputNameInTexts ?? input.name;
  }
}

function elementCountOverflow(name: string): string {
  return `element count for tensor '${name}' exceeds maximum size of 9223372036854775807`;
}

function shapeMatches(dims: readonly number[], shape: readonly number[]): boolean {
  return dims.length === shape.length && dims.every((dim, i) => dim === -1 || dim === shape[i]);
}

/** Where Triton stops looking at a shape: at a size of -1, or one that is not the model's. */
function firstFault(dims: readonly number[], shape: readonly number[]): number {
  return shape.findIndex((size, i) => size === -1 || (dims[i] !== -1 && dims[i] !== size));
}

/** Triton counts no element where there is no dimension. */
function countElements(shape: readonly number[]): bigint {
  if (shape.length === 0) return 0n;
  return shape.reduce((count, dim) => count * BigInt(dim), 1n);
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.map(sizeText).join(',')}]`;
}

/** Sizes that a double does not hold exactly came from an int64, which is what they are shown as. */
function sizeText(size: number): string {
  if (Number.isSafeInteger(size)) return String(size);
  const exact = BigInt(size);
  return String(exact > 2n ** 63n - 1n ? 2n ** 63n - 1n : exact);
}

function quotedList(names: readonly string[]): string {
  return `[${names.map((name) => `'${name}'`).join(',')}]`;
}
