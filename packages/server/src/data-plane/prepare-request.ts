import {
  defaultRequestParameters,
  type ModelConfig,
  type Tensor,
  TritonError,
} from '@nereid/protocol';
import type { InferRequest } from '../core/infer-request.ts';
import { prepareInputs } from './prepare-inputs.ts';
import { explainRefusal } from './request-refusal.ts';
import { deriveRequestRules } from './request-rules.ts';

/**
 * What inputs become as a request for all outputs of a model, for those who make requests themselves.
 * @throws TritonError INVALID_ARG where a client's request would be refused.
 */
export function prepareRequest(
  config: ModelConfig,
  inputs: readonly Tensor[],
): Pick<InferRequest, 'inputs' | 'outputNames' | 'batchSize'> {
  // Sequences are told by control inputs here, not by an id.
  const rules = { ...deriveRequestRules({ config }), sequenceId: null };
  const prepared = prepareInputs(rules, inputs);
  if (prepared !== null) return { ...prepared, outputNames: rules.outputNames };
  const message = {
    id: '',
    parameters: defaultRequestParameters,
    inputs,
    rawInput: null,
    outputs: [],
  };
  const refusal = explainRefusal(rules, message, inputs, null);
  throw new TritonError('INVALID_ARG', refusal ?? 'no such request can be made to the model');
}
