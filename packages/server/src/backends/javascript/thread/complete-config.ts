import type { CompletableConfig, ConfigTensor } from '@nereid/model';

/** What may be changed; everything else stays as it is in the file. */
type Completed = Partial<
  Pick<
    CompletableConfig,
    'max_batch_size' | 'input' | 'output' | 'dynamic_batching' | 'model_transaction_policy'
  >
>;

/**
 * The configuration with what the model adds. Tensors that the file names stay as they are there, but for
 * the type and the sizes that it leaves out.
 * @param changed The copy that the model was given, which it may have changed.
 * @param returned What the model returned: the copy, some fields of it, or nothing.
 * @throws TypeError for what is no configuration
 */
export function mergedConfig(
  config: CompletableConfig,
  changed: CompletableConfig,
  returned: unknown,
): CompletableConfig {
  if (returned !== undefined && (typeof returned !== 'object' || returned === null)) {
    throw new TypeError('autoCompleteConfig must return the configuration, or nothing');
  }
  const completed: Completed = { ...changed, ...(returned as Completed | undefined) };
  return {
    ...config,
    max_batch_size:
      config.max_batch_size > 0 ? config.max_batch_size : (completed.max_batch_size ?? 0),
    input: mergedTensors(config.input, completed.input, 'input'),
    output: mergedTensors(config.output, completed.output, 'output'),
    dynamic_batching: config.dynamic_batching ?? completed.dynamic_batching ?? null,
    model_transaction_policy:
      config.model_transaction_policy ?? completed.model_transaction_policy ?? null,
  };
}

function mergedTensors(
  own: readonly ConfigTensor[],
  added: readonly ConfigTensor[] | undefined,
  what: string,
): ConfigTensor[] {
  if (added === undefined) return [...own];
  if (!Array.isArray(added)) throw new TypeError(`${what} must be an array of tensors`);
  const merged = own.map((tensor) => {
    const other = added.find(({ name }) => name === tensor.name);
    if (other === undefined) return tensor;
    return {
      ...tensor,
      data_type: tensor.data_type === 'TYPE_INVALID' ? other.data_type : tensor.data_type,
      dims: tensor.dims.length === 0 ? other.dims : tensor.dims,
    };
  });
  const names = new Set(own.map(({ name }) => name));
  return [...merged, ...added.filter(({ name }) => !names.has(name))];
}
