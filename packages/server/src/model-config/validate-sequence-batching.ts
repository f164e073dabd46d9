import type {
  ModelConfig,
  ModelSequenceBatching,
  SequenceControl,
  SequenceControlKind,
} from '@nereid/protocol';
import { type ConfigSource, invalidConfig } from './config-source.ts';

const correlationTypes: ReadonlySet<string> = new Set([
  'TYPE_UINT64',
  'TYPE_INT64',
  'TYPE_UINT32',
  'TYPE_INT32',
  'TYPE_STRING',
]);
const correlationKind: SequenceControlKind = 'CONTROL_SEQUENCE_CORRID';

/** @throws ModelConfigError INVALID_ARG */
export function validateSequenceBatching(config: ModelConfig, source: ConfigSource | null): void {
  const batching = config.sequence_batching;
  if (batching === null) return;
  if (config.response_cache?.enable === true) {
    throw invalidConfig(
      `Response Cache does not currently support model ${config.name} with sequence batching scheduler. Please disable the response cache.`,
      source,
      ['response_cache'],
      'remove response_cache',
    );
  }
  for (const kind of [
    'CONTROL_SEQUENCE_START',
    'CONTROL_SEQUENCE_END',
    'CONTROL_SEQUENCE_READY',
  ] as const) {
    findControl(config, batching, kind, source);
  }
  validateCorrelation(config, batching, source);
  validateOldest(config, batching, source);
  const utilization = batching.direct?.minimum_slot_utilization ?? 0;
  if (utilization < 0 || utilization > 1) {
    const message = `sequence batching minimum slot utilization must be in range (0.0, 1.0] for ${config.name}`;
    const path = ['sequence_batching', 'direct', 'minimum_slot_utilization'];
    throw invalidConfig(message, source, path, 'use a number from 0 to 1');
  }
}

interface FoundControl {
  readonly control: SequenceControl;
  readonly path: readonly (string | number)[];
}

/** The one control of a kind; names and double mentions are checked on the way, as Triton does. */
function findControl(
  config: ModelConfig,
  batching: ModelSequenceBatching,
  kind: SequenceControlKind,
  source: ConfigSource | null,
): FoundControl | null {
  const names = new Set<string>();
  let found: FoundControl | null = null;
  for (const [index, input] of batching.control_input.entries()) {
    const path = ['sequence_batching', 'control_input', index];
    if (input.name === '') {
      const message = `sequence batching control tensor must have a name for ${config.name}`;
      throw invalidConfig(
        message,
        source,
        path,
        'set name to the model input that takes the control',
      );
    }
    if (names.has(input.name)) {
      const message = `sequence batching control tensor '${input.name}' is specified for multiple control kinds for ${config.name}`;
      throw invalidConfig(message, source, [...path, 'name'], 'use another input for each control');
    }
    names.add(input.name);
    for (const [at, control] of input.control.entries()) {
      if (control.kind !== kind) continue;
      if (found !== null) {
        const message = `sequence batching specifies multiple ${kind} tensors for ${config.name}`;
        throw invalidConfig(message, source, [...path, 'control', at], 'keep one of them');
      }
      found = { control, path: [...path, 'control', at] };
      // Triton looks at each control where it finds it, before a second one of the kind.
      if (kind === correlationKind) validateNoPair(config, control, found.path, source);
      else validatePair(config, control, found.path, source);
    }
  }
  return found;
}

/** START, END and READY are told by one pair of values, of one of three types. */
function validatePair(
  config: ModelConfig,
  control: SequenceControl,
  path: FoundControl['path'],
  source: ConfigSource | null,
): void {
  const given = (['int32_false_true', 'fp32_false_true', 'bool_false_true'] as const).filter(
    (name) => control[name].length > 0,
  );
  const end = `for ${control.kind} for ${config.name}`;
  const [name] = given;
  if (name === undefined) {
    const message = `sequence batching must specify either 'int32_false_true', 'fp32_false_true' or 'bool_false_true' ${end}`;
    throw invalidConfig(
      message,
      source,
      path,
      'add int32_false_true: [ 0, 1 ], or the pair the model takes',
    );
  }
  if (given.length > 1) {
    const message = `sequence batching specifies more than one from 'int32_false_true', 'fp32_false_true' and 'bool_false_true' ${end}`;
    throw invalidConfig(message, source, path, 'keep the one that the model takes');
  }
  if (control[name].length !== 2) {
    const message = `sequence batching control '${name}' must have exactly 2 entries ${end}`;
    throw invalidConfig(message, source, [...path, name], 'give the values for false and for true');
  }
}

function validateNoPair(
  config: ModelConfig,
  control: SequenceControl,
  path: FoundControl['path'],
  source: ConfigSource | null,
): void {
  const pairs = [control.int32_false_true, control.fp32_false_true, control.bool_false_true];
  if (pairs.every((pair) => pair.length === 0)) return;
  const message = `sequence batching must not specify either 'int32_false_true', 'fp32_false_true' or 'bool_false_true' for ${correlationKind} for ${config.name}`;
  throw invalidConfig(message, source, path, 'remove the pair and set data_type');
}

function validateCorrelation(
  config: ModelConfig,
  batching: ModelSequenceBatching,
  source: ConfigSource | null,
): void {
  const found = findControl(config, batching, correlationKind, source);
  if (found === null || correlationTypes.has(found.control.data_type)) return;
  throw invalidConfig(
    `unexpected data type for control ${correlationKind} for ${config.name}. Allowed data types are TYPE_UINT64, TYPE_INT64, TYPE_UINT32, TYPE_INT32 and TYPE_STRING`,
    source,
    [...found.path, 'data_type'],
    'set data_type to one of them',
  );
}

function validateOldest(
  config: ModelConfig,
  batching: ModelSequenceBatching,
  source: ConfigSource | null,
): void {
  for (const [index, size] of (batching.oldest?.preferred_batch_size ?? []).entries()) {
    const path = ['sequence_batching', 'oldest', 'preferred_batch_size', index];
    if (size <= 0) {
      const message = `sequence batching preferred batch size must be positive for ${config.name}`;
      throw invalidConfig(message, source, path, 'use 1 or more, or leave it out');
    }
    if (size > config.max_batch_size) {
      const message = `sequence batching preferred batch size must be <= max batch size for ${config.name}`;
      const fix = `use at most ${config.max_batch_size}, or raise max_batch_size`;
      throw invalidConfig(message, source, path, fix);
    }
  }
}
