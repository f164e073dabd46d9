import { type ModelConfig, modelConfigFromJson } from '@nereid/protocol';
import { normaliseConfig } from '../../model-config/normalise.ts';

/**
 * The configuration with what a model's `auto_complete_config` may change: batch size, inputs, outputs,
 * dynamic batching and the transaction policy.
 * @param completed the JSON that the model gave back
 * @throws ModelConfigError INVALID_ARG for what is no configuration
 */
export function completedConfig(config: ModelConfig, completed: string): ModelConfig {
  const { max_batch_size, input, output, dynamic_batching, model_transaction_policy } =
    modelConfigFromJson(completed);
  return normaliseConfig({
    ...config,
    max_batch_size,
    input,
    output,
    dynamic_batching: config.dynamic_batching ?? dynamic_batching,
    model_transaction_policy,
  });
}
