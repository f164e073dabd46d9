import type { CompletableConfig, ConfigTensor, InferenceResponse } from '@nereid/model';
import { type DataType, isDataType } from '@nereid/protocol/data-types';
import type { WireResponse } from '../../worker/worker-message.ts';
import { errorAnswer, isTritonError } from './error-text.ts';
import { type GivenRequest, parametersWire } from './given-request.ts';
import { checkTotal, type EncodedTensor, encodeTensor } from './output-bytes.ts';

/** What becomes of one request, ready for the server. */
export interface EncodedResponse {
  readonly response: WireResponse | { readonly reschedule: true };
  readonly tensors: readonly EncodedTensor[];
}

interface OutputRule {
  readonly dataType: DataType | null;
  readonly dims: readonly number[];
}

/** Holds what a model answers against its configuration. */
export class OutputRules {
  readonly #rules = new Map<string, OutputRule>();
  readonly #batches: boolean;
  readonly #decoupled: boolean;

  constructor(config: CompletableConfig, decoupled: boolean) {
    this.#batches = config.max_batch_size > 0;
    this.#decoupled = decoupled;
    for (const output of config.output) {
      this.#rules.set(output.name, { dataType: typeOf(output), dims: dimsOf(output) });
    }
  }

  /** @throws TypeError or RangeError that says what is wrong with the response. */
  encode(response: InferenceResponse, request: GivenRequest): EncodedResponse {
    if (typeof response !== 'object' || response === null) {
      throw new TypeError(`a response must be an object with outputs, got ${String(response)}`);
    }
    if (isTritonError(response) || response instanceof Error) {
      return { response: { error: errorAnswer(response) }, tensors: [] };
    }
    if ('reschedule' in response) return { response: { reschedule: true }, tensors: [] };
    if (!Array.isArray(response.outputs)) {
      throw new TypeError('a response needs outputs, an array of tensors');
    }
    const tensors: EncodedTensor[] = [];
    for (const output of response.outputs) {
      const rule = this.#rules.get(output?.name);
      const tensor = encodeTensor(output, rule?.dataType ?? null);
      this.#check(tensor, rule, request);
      const [name] = tensor.description;
      if (tensors.some(({ description }) => description[0] === name)) {
        throw new TypeError(`the response has output '${name}' twice`);
      }
      // What is not wanted does not travel.
      if (request.outputNames.includes(name)) tensors.push(tensor);
    }
    checkTotal(tensors);
    if (!this.#decoupled) this.#checkMissing(tensors, request);
    const { parameters } = response;
    return {
      response: {
        tensors: tensors.map(({ description }) => description),
        ...(parameters === undefined ? {} : { parameters: parametersWire(parameters) }),
      },
      tensors,
    };
  }

  #check(
    { description: [name, dataType, shape] }: EncodedTensor,
    rule: OutputRule | undefined,
    { batchSize }: GivenRequest,
  ): void {
    if (rule === undefined) {
      const names = [...this.#rules.keys()].map((known) => `'${known}'`).join(', ');
      throw new TypeError(`the configuration has no output '${name}', only ${names || 'none'}`);
    }
    if (rule.dataType !== null && dataType !== rule.dataType) {
      throw new TypeError(
        `output '${name}' has data type ${dataType}, the configuration says ${rule.dataType}`,
      );
    }
    // A decoupled model may answer for some of a batch at a time.
    const rows = this.#decoupled ? -1 : batchSize;
    const dims = this.#batches ? [rows, ...rule.dims] : rule.dims;
    const fits =
      shape.length === dims.length &&
      dims.every((size, index) => size < 0 || size === shape[index]);
    if (!fits) {
      throw new RangeError(
        `output '${name}' has shape [${shape.join(',')}], expected [${dims.join(',')}]`,
      );
    }
  }

  #checkMissing(tensors: readonly EncodedTensor[], { outputNames }: GivenRequest): void {
    for (const name of outputNames) {
      if (tensors.some(({ description }) => description[0] === name)) continue;
      throw new TypeError(`the response has no output '${name}', which the request wants`);
    }
  }
}

function typeOf({ data_type }: ConfigTensor): DataType | null {
  const name = data_type === 'TYPE_STRING' ? 'BYTES' : data_type.replace(/^TYPE_/u, '');
  return isDataType(name) ? name : null;
}

/** As the tensors have them: `reshape` says what the model sees. */
function dimsOf(output: ConfigTensor): readonly number[] {
  const reshape = output['reshape'] as { shape?: readonly number[] } | null | undefined;
  return (reshape?.shape ?? output.dims).map(Number);
}
