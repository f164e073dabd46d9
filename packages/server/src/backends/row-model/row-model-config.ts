import { type ModelConfig, TritonError } from '@nereid/protocol';

/** Longer delays are a mistake in the configuration: a day. */
const delayMsMax = 86_400_000;

/** @throws TritonError INVALID_ARG with the text, unless the condition holds. */
export function require(condition: boolean, text: string): void {
  if (!condition) throw new TritonError('INVALID_ARG', text);
}

/** Names of the model's control inputs. @throws TritonError for a model without sequences. */
export function controlNames(config: ModelConfig, backendName: string): readonly string[] {
  const batching = config.sequence_batching;
  require(batching !== null, `a model of the '${backendName}' backend must have sequence_batching`);
  return (batching?.control_input ?? []).map(({ name }) => name);
}

/** @throws TritonError for a model that is to run elsewhere than on the CPU. */
export function requireCpuInstances(config: ModelConfig, backendName: string): void {
  const elsewhere = config.instance_group.some(({ kind }) => kind !== 'KIND_CPU');
  require(!elsewhere, `'${backendName}' backend only supports CPU instances`);
}

/** One vector of INT32 in, INPUT, and one of the same size out, OUTPUT. @throws TritonError with Triton's texts. */
export function requireVectorPair({ input, output }: ModelConfig): void {
  const [first] = input;
  const [result] = output;
  require(input.length === 1, "model must have input 'INPUT' with vector shape, any length");
  require(first?.dims.length ===
    1, "model must have one input 'INPUT' with vector shape, any length");
  require(first?.data_type === 'TYPE_INT32', 'model input must have TYPE_INT32 data-type');
  require(first?.name === 'INPUT', "model input must be named 'INPUT'");
  require(output.length === 1, "model must have one output 'OUTPUT' with vector shape, any length");
  require(result?.dims.length === 1 &&
    result.dims[0] ===
      first?.dims[0], "model must have output 'OUTPUT' with shape matching 'INPUT'");
  require(result?.data_type === 'TYPE_INT32', 'model output must have TYPE_INT32 data-type');
  require(result?.name === 'OUTPUT', "model output must be named 'OUTPUT'");
}

/** `execute_delay_ms` of the model's parameters, 0 for none. @throws TritonError */
export function executeDelayMs({ name, parameters }: ModelConfig): number {
  const text = parameters.get('execute_delay_ms')?.string_value;
  if (text === undefined) return 0;
  const value = Number(text);
  require(text.trim() !== '' &&
    Number.isInteger(value) &&
    value >= 0 &&
    value <=
      delayMsMax, `parameter 'execute_delay_ms' of model '${name}' must be a whole number from 0 to ${delayMsMax}, got '${text}'`);
  return value;
}
