import {
  classify,
  type InferRequestMessage,
  type RequestedOutput,
  type Tensor,
} from '@nereid/protocol';
import type { InferResponse } from '../core/infer-response.ts';
import type { ServedModel } from '../lifecycle/served-model.ts';

/** How the client asked for an output; null where it named none. */
export function requestedOutput(
  message: InferRequestMessage,
  name: string,
): RequestedOutput | null {
  const { outputs } = message;
  for (let i = 0; i < outputs.length; i++) {
    const output = outputs[i] as RequestedOutput;
    if (output.name === name) return output;
  }
  return null;
}

/**
 * A response's outputs as the client asked for them: tensors, or their best classes.
 * @throws TritonError INVALID_ARG for an output that has no classes.
 */
export function answerOutputs(
  response: InferResponse,
  message: InferRequestMessage,
  model: ServedModel,
): readonly Tensor[] {
  const { outputs } = response;
  if (!wantsClasses(message)) return outputs;
  return outputs.map((output) => {
    const count = requestedOutput(message, output.name)?.classificationCount ?? 0;
    if (count === 0) return output;
    const names = model.labels.get(output.name) ?? null;
    return classify(output, count, names, model.config.max_batch_size > 0);
  });
}

function wantsClasses({ outputs }: InferRequestMessage): boolean {
  for (let i = 0; i < outputs.length; i++) {
    if ((outputs[i] as RequestedOutput).classificationCount > 0) return true;
  }
  return false;
}
