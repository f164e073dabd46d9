import type { ModelConfig, ModelInstanceGroup } from '@nereid/protocol';
import type { InstancePlace } from '../core/backend.ts';
import { type ConfigSource, configError, invalidConfig } from './config-source.ts';
import { tensorrtPlatform } from './platform-names.ts';

/** GPUs of the machine as the configuration counts them. */
export interface SupportedGpus {
  readonly ids: readonly number[];
  /** As the metrics name them, in the order of `ids`. */
  readonly uuids: readonly string[];
  /** The least CUDA compute capability that they must have, as on the command line. */
  readonly minComputeCapability: number;
}

/** A machine without a GPU. */
export const noGpus: SupportedGpus = { ids: [], uuids: [], minComputeCapability: 6 };

/**
 * The most instances that one model may have, all groups together. Triton has no limit and dies of
 * memory on a mistyped count.
 */
export const instancesMax = 4096;

/** Backends for which one CPU instance leaves cores idle, so that they get two. */
const twoCpuInstances: ReadonlySet<string> = new Set(['onnxruntime', 'tensorflow']);

/**
 * Gives every instance group a name, a kind, a count and GPUs; makes one group when there is none.
 * Done when a version is loaded, before the backend sees the configuration.
 *
 * @param autoGpus Those that groups of KIND_AUTO may be put on.
 */
export function normaliseInstanceGroups(
  config: ModelConfig,
  gpus: SupportedGpus,
  autoGpus: SupportedGpus = gpus,
): ModelConfig {
  if (config.ensemble_scheduling !== null) return config;
  const groups =
    config.instance_group.length > 0
      ? config.instance_group
      : [{ ...emptyGroup, name: config.name }];
  return {
    ...config,
    instance_group: groups.map((group, index) =>
      normaliseGroup(config, group, index, gpus, autoGpus),
    ),
  };
}

/**
 * For machines without a GPU, on request: groups that want one take the CPU instead. Done before
 * `normaliseInstanceGroups`.
 */
export function withCpuForGpu(config: ModelConfig, gpus: SupportedGpus): ModelConfig {
  if (gpus.ids.length > 0 || !config.instance_group.some(wantsGpu)) return config;
  return {
    ...config,
    instance_group: config.instance_group.map((group) =>
      wantsGpu(group) ? { ...group, kind: 'KIND_CPU', gpus: [] } : group,
    ),
  };
}

function wantsGpu({ kind, gpus }: ModelInstanceGroup): boolean {
  return kind === 'KIND_GPU' || (kind === 'KIND_AUTO' && gpus.length > 0);
}

const emptyGroup: ModelInstanceGroup = {
  name: '',
  kind: 'KIND_AUTO',
  count: 0,
  rate_limiter: null,
  gpus: [],
  secondary_devices: [],
  profile: [],
  passive: false,
  host_policy: '',
};

function normaliseGroup(
  config: ModelConfig,
  group: ModelInstanceGroup,
  index: number,
  gpus: SupportedGpus,
  autoGpus: SupportedGpus,
): ModelInstanceGroup {
  const kind = group.kind === 'KIND_AUTO' ? autoKind(group, autoGpus) : group.kind;
  const defaultCount = kind === 'KIND_CPU' && twoCpuInstances.has(config.backend) ? 2 : 1;
  return {
    ...group,
    name: group.name === '' ? `${config.name}_${index}` : group.name,
    kind,
    count: group.count < 1 ? defaultCount : group.count,
    gpus: kind === 'KIND_GPU' && group.gpus.length === 0 ? gpus.ids : group.gpus,
  };
}

function autoKind(group: ModelInstanceGroup, gpus: SupportedGpus): 'KIND_CPU' | 'KIND_GPU' {
  const usable = gpus.ids.length > 0 && group.gpus.every((id) => gpus.ids.includes(id));
  return usable ? 'KIND_GPU' : 'KIND_CPU';
}

/**
 * Checks the groups after `normaliseInstanceGroups`.
 * @throws ModelConfigError with Triton's texts
 */
export function validateInstanceGroups(
  config: ModelConfig,
  gpus: SupportedGpus,
  source: ConfigSource | null = null,
): void {
  if (config.ensemble_scheduling !== null) return;
  if (config.instance_group.length === 0) {
    const message = `must specify one or more 'instance group's for ${config.name}`;
    throw invalidConfig(message, source, ['instance_group'], 'add an instance_group');
  }
  for (const index of config.instance_group.keys()) {
    validateDevices(config, index, gpus, source);
    validateProfile(config, index, source);
  }
  const total = instanceTotal(config);
  if (total > instancesMax) {
    const largest = Math.max(...config.instance_group.map((group) => group.count));
    const index = config.instance_group.findIndex((group) => group.count === largest);
    throw invalidConfig(
      `model ${config.name} asks for ${total} instances, more than the ${instancesMax} that are possible`,
      source,
      ['instance_group', index, 'count'],
      'use a smaller count: one or two for each CPU core is plenty',
    );
  }
}

/** Instances of all groups, each group's count once whatever its devices. */
export function instanceTotal({ instance_group }: ModelConfig): number {
  return instance_group.reduce((sum, { count }) => sum + count, 0);
}

function validateDevices(
  config: ModelConfig,
  index: number,
  gpus: SupportedGpus,
  source: ConfigSource | null,
): void {
  const group = config.instance_group[index] as ModelInstanceGroup;
  const start = `instance group ${group.name} of model ${config.name}`;
  const path = ['instance_group', index];
  if (group.kind === 'KIND_GPU') {
    validateGpus(group, start, path, gpus, source);
    return;
  }
  if (group.kind === 'KIND_AUTO') {
    const message = `${start} has unexpected kind KIND_AUTO`;
    throw configError('INTERNAL', message, source, [...path, 'kind'], 'set kind: KIND_CPU');
  }
  if (group.gpus.length > 0) {
    const message = `${start} has kind ${group.kind} but specifies one or more GPUs`;
    throw invalidConfig(message, source, [...path, 'gpus'], 'remove gpus, or set kind: KIND_GPU');
  }
}

function validateGpus(
  group: ModelInstanceGroup,
  start: string,
  path: readonly (string | number)[],
  gpus: SupportedGpus,
  source: ConfigSource | null,
): void {
  if (group.gpus.length === 0) {
    const state = gpus.ids.length === 0 ? 'no GPUs are available' : 'specifies no GPUs';
    const message = `${start} has kind KIND_GPU but ${state}`;
    throw invalidConfig(message, source, [...path, 'kind'], 'set kind: KIND_CPU or KIND_AUTO');
  }
  const unknown = group.gpus.find((id) => !gpus.ids.includes(id));
  if (unknown === undefined) return;
  throw invalidConfig(
    `${start} specifies invalid or unsupported gpu id ${unknown}. GPUs with at least the minimum required CUDA compute compatibility of ${gpus.minComputeCapability.toFixed(6)} are: ${gpus.ids.join(', ')}`,
    source,
    [...path, 'gpus'],
    'leave gpus out to use every GPU, or set kind: KIND_CPU',
  );
}

function validateProfile(config: ModelConfig, index: number, source: ConfigSource | null): void {
  const group = config.instance_group[index] as ModelInstanceGroup;
  if (group.profile.length === 0) return;
  const path = ['instance_group', index, 'profile'];
  const start = `instance group ${group.name} of model ${config.name} and platform ${config.platform}`;
  if (config.platform !== tensorrtPlatform) {
    const message = `${start}specifies profile field which is only supported for TensorRT models`;
    throw invalidConfig(message, source, path, 'remove profile');
  }
  const wrong = group.profile.find((profile) => !/^\s*\+?\d/.test(profile));
  if (wrong === undefined) return;
  throw invalidConfig(
    `${start} specifies invalid profile ${wrong}. The field should contain the string representation of a non-negative integer.`,
    source,
    path,
    'write the profile as "0", "1", …',
  );
}

/** The model's instances in order: each index of a GPU group once for each of its GPUs. */
export function instancePlaces(config: ModelConfig): InstancePlace[] {
  const places: InstancePlace[] = [];
  for (const group of config.instance_group) {
    const devices = group.kind === 'KIND_GPU' && group.gpus.length > 0 ? group.gpus : [0];
    for (let index = 0; index < group.count; index++) {
      for (const device of devices) places.push({ name: `${group.name}_${index}`, group, device });
    }
  }
  return places;
}

/** The names of `instancePlaces`. */
export function instanceNames(config: ModelConfig): string[] {
  return instancePlaces(config).map(({ name }) => name);
}
