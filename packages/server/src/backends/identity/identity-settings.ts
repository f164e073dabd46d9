import { type ModelConfig, TritonError } from '@nereid/protocol';

/** What the parameters of an identity model say. */
export interface IdentitySettings {
  /** How long the load takes on purpose. */
  readonly creationDelaySecs: number;
  /** How long each execution takes on purpose. */
  readonly executeDelayMs: number;
  /** 0: the delay is the same for every instance; else instance number times this many delays. */
  readonly instanceWiseDelayMultiplier: number;
}

/** Longer delays are a mistake in the configuration: a day. */
const delaySecsMax = 86_400;

/** @throws TritonError INVALID_ARG that names the parameter which is no whole number. */
export function identitySettings(config: ModelConfig): IdentitySettings {
  const read = (name: string, max: number): number => {
    const text = config.parameters.get(name)?.string_value;
    if (text === undefined) return 0;
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value > max) {
      throw new TritonError(
        'INVALID_ARG',
        `parameter '${name}' of model '${config.name}' must be a whole number from 0 to ${max}, got '${text}'`,
      );
    }
    return value;
  };
  return {
    creationDelaySecs: read('creation_delay_sec', delaySecsMax),
    executeDelayMs: read('execute_delay_ms', delaySecsMax * 1000),
    instanceWiseDelayMultiplier: read('instance_wise_delay_multiplier', 1_000_000),
  };
}
