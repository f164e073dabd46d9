import { TritonError } from '@nereid/protocol';
import type { InstanceTexts } from '../worker/worker-instance.ts';
import type { LifeTexts } from '../worker/worker-life.ts';

/** As far as it goes the wording of Triton's Python backend, whose users know it. */
export const javascriptTexts: InstanceTexts = {
  worker: 'Worker thread',
  unhealthy: (instanceName) =>
    `Worker thread '${instanceName}' is not healthy: it is being started again.`,
  died: (instanceName, reason) =>
    `Worker thread '${instanceName}' has ended while it executed the request: ${reason}`,
  calledDecoupled: (model) =>
    `Model ${model} is decoupled and may answer more than once: call it by stream().`,
  refused: (model, { code, message }) =>
    new TritonError(code, `Model ${model} - Error when running inference: ${message}`),
};

export const threadTexts: LifeTexts = {
  late: (step, instanceName, timeoutSecs) =>
    `Failed to ${step} model instance ${instanceName} within ${timeoutSecs} seconds.`,
  gone: (instanceName, cause) =>
    `Failed to initialize model instance ${instanceName}, its thread has ended: ${cause}`,
};
