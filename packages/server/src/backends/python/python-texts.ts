import { TritonError } from '@nereid/protocol';
import type { InstanceTexts } from '../worker/worker-instance.ts';

/** Triton's own texts. */
export const pythonTexts: InstanceTexts = {
  worker: 'Stub process',
  unhealthy: (instanceName) => `Stub process '${instanceName}' is not healthy.`,
  died: (instanceName) => `Stub process '${instanceName}' is not healthy.`,
  calledDecoupled: (model) =>
    `Model ${model} is using the decoupled. The current BLS request call doesn't support models using the decoupled transaction policy. Please use 'decoupled=True' argument to the 'exec' or 'async_exec' calls for decoupled models.'`,
  refused: (model, { message }) =>
    new TritonError('INTERNAL', `Model ${model} - Error when running inference: ${message}`),
};
