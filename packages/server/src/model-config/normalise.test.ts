import { type ModelConfig, parseModelConfigText } from '@nereid/protocol';
import { expect, test } from 'vitest';
import {
  instanceNames,
  instancesMax,
  noGpus,
  normaliseInstanceGroups,
  type SupportedGpus,
  validateInstanceGroups,
  withCpuForGpu,
} from './instance-groups.ts';
import { normaliseConfig } from './normalise.ts';
import { missingVersions, selectVersions } from './version-policy.ts';

const config = (text: string): ModelConfig =>
  parseModelConfigText(`name: "m" ${text}`, 'config.pbtxt');
const twoGpus: SupportedGpus = {
  ids: [0, 1],
  uuids: ['GPU-a', 'GPU-b'],
  minComputeCapability: 6,
};

test('defaults are filled in, once', () => {
  const normal = normaliseConfig(
    config('max_batch_size: 4 dynamic_batching { } optimization { input_pinned_memory { } }'),
  );
  expect(normal.version_policy?.latest).toEqual({ num_versions: 1 });
  expect(normal.dynamic_batching?.preferred_batch_size).toEqual([4]);
  expect(normal.optimization).toMatchObject({
    input_pinned_memory: { enable: false },
    output_pinned_memory: { enable: true },
  });
  expect(normaliseConfig(normal)).toEqual(normal);
});

test('what is given stays', () => {
  const normal = normaliseConfig(
    config(
      'max_batch_size: 8 version_policy { all { } } sequence_batching { oldest { preferred_batch_size: 2 } }',
    ),
  );
  expect(normal.version_policy).toEqual({ latest: null, all: {}, specific: null });
  expect(normal.sequence_batching).toMatchObject({
    max_sequence_idle_microseconds: 1_000_000,
    oldest: { preferred_batch_size: [2] },
  });
  expect(
    normaliseConfig(config('dynamic_batching { }')).dynamic_batching?.preferred_batch_size,
  ).toEqual([]);
});

test('an ensemble gets neither optimization nor instances', () => {
  const normal = normaliseConfig(config('platform: "ensemble" ensemble_scheduling { }'));
  expect(normal.optimization).toBeNull();
  expect(normaliseInstanceGroups(normal, noGpus).instance_group).toEqual([]);
  expect(() => validateInstanceGroups(normal, noGpus)).not.toThrow();
});

const groups = (text: string, gpus: SupportedGpus) =>
  normaliseInstanceGroups(config(text), gpus).instance_group.map((group) => [
    group.name,
    group.kind,
    group.count,
    ...group.gpus,
  ]);

test('without a group there is one, named like the model: two instances for ONNX on the CPU', () => {
  expect(groups('backend: "onnxruntime"', noGpus)).toEqual([['m', 'KIND_CPU', 2]]);
  expect(groups('backend: "python"', noGpus)).toEqual([['m', 'KIND_CPU', 1]]);
  expect(groups('backend: "onnxruntime"', twoGpus)).toEqual([['m', 'KIND_GPU', 1, 0, 1]]);
});

test('groups get a name by position, a kind, a count', () => {
  const text = `backend: "onnxruntime"
    instance_group [ { kind: KIND_CPU }, { name: "x" kind: KIND_MODEL }, { kind: KIND_AUTO gpus: 5 count: 3 } ]`;
  expect(groups(text, noGpus)).toEqual([
    ['m_0', 'KIND_CPU', 2],
    ['x', 'KIND_MODEL', 1],
    ['m_2', 'KIND_CPU', 3, 5],
  ]);
  expect(groups('instance_group { kind: KIND_AUTO gpus: 5 }', twoGpus)).toEqual([
    ['m_0', 'KIND_CPU', 1, 5],
  ]);
  expect(groups('instance_group { gpus: 1 }', twoGpus)).toEqual([['m_0', 'KIND_GPU', 1, 1]]);
});

test.each([
  [
    'instance_group { kind: KIND_GPU }',
    noGpus,
    'instance group m_0 of model m has kind KIND_GPU but no GPUs are available',
  ],
  [
    'instance_group { kind: KIND_CPU gpus: 0 }',
    noGpus,
    'instance group m_0 of model m has kind KIND_CPU but specifies one or more GPUs',
  ],
  [
    'instance_group { kind: KIND_MODEL gpus: 0 }',
    noGpus,
    'instance group m_0 of model m has kind KIND_MODEL but specifies one or more GPUs',
  ],
  [
    'instance_group { kind: KIND_GPU gpus: 7 }',
    twoGpus,
    'instance group m_0 of model m specifies invalid or unsupported gpu id 7. GPUs with at least the minimum required CUDA compute compatibility of 6.000000 are: 0, 1',
  ],
  [
    'platform: "p" instance_group { profile: "0" }',
    noGpus,
    'instance group m_0 of model m and platform pspecifies profile field which is only supported for TensorRT models',
  ],
  [
    'instance_group { count: 1000000000 }',
    noGpus,
    `model m asks for 1000000000 instances, more than the ${instancesMax} that are possible`,
  ],
  [
    'instance_group { count: 2147483647 } instance_group { count: 2147483647 }',
    noGpus,
    'model m asks for 4294967294 instances',
  ],
])('%s is refused', (text, gpus, message) => {
  const normal = normaliseInstanceGroups(config(text), gpus);
  expect(() => validateInstanceGroups(normal, gpus)).toThrow(message);
});

test('a refusal says where in the file', () => {
  const text =
    'name: "m"\ninstance_group [\n  { count: 1 },\n  { kind: KIND_CPU\n    gpus: [ 0 ] }\n]';
  const normal = normaliseInstanceGroups(parseModelConfigText(text, 'f'), noGpus);
  expect(() => validateInstanceGroups(normal, noGpus, { fileName: 'f', text })).toThrow(
    expect.objectContaining({
      hint: expect.objectContaining({
        file: 'f',
        line: 5,
        column: 5,
        field: 'instance_group[1].gpus',
      }),
    }),
  );
});

test('instances are named by group and index, on every GPU of a group', () => {
  const names = (text: string, gpus: SupportedGpus) =>
    instanceNames(normaliseInstanceGroups(config(text), gpus));
  expect(names('instance_group [ { count: 2 }, { name: "x" } ]', noGpus)).toEqual([
    'm_0_0',
    'm_0_1',
    'x_0',
  ]);
  expect(names('instance_group { count: 2 }', twoGpus)).toEqual([
    'm_0_0',
    'm_0_0',
    'm_0_1',
    'm_0_1',
  ]);
});

test('a policy selects versions', () => {
  const select = (text: string) => selectVersions(config(text).version_policy, [10, 2, 1]);
  expect(selectVersions(null, [3, 10, 2])).toEqual([10]);
  expect(select('version_policy { latest { num_versions: 2 } }')).toEqual([2, 10]);
  expect(select('version_policy { latest { num_versions: 9 } }')).toEqual([1, 2, 10]);
  expect(select('version_policy { latest { } }')).toEqual([]);
  expect(select('version_policy { all { } }')).toEqual([1, 2, 10]);
  expect(select('version_policy { specific { versions: [ 10, 1, 7, 1 ] } }')).toEqual([1, 10]);
  expect(
    missingVersions(
      config('version_policy { specific { versions: [ 1, 7 ] } }').version_policy,
      [1],
    ),
  ).toEqual([7]);
});

test('puts on the CPU what could be on a GPU, where its backend can use none', () => {
  const groups = 'instance_group [ { }, { gpus: 1 }, { kind: KIND_GPU } ]';
  const placed = normaliseInstanceGroups(config(groups), twoGpus, noGpus);
  expect(placed.instance_group.map(({ kind, gpus }) => [kind, gpus])).toEqual([
    ['KIND_CPU', []],
    ['KIND_CPU', [1]],
    ['KIND_GPU', [0, 1]],
  ]);
});

test('takes the CPU for a GPU where there is none, on request', () => {
  const wanted = config(
    'instance_group [ { kind: KIND_GPU gpus: [ 0, 1 ] }, { gpus: 1 }, { kind: KIND_MODEL } ]',
  );
  const placed = normaliseInstanceGroups(withCpuForGpu(wanted, noGpus), noGpus);
  expect(placed.instance_group.map(({ kind, gpus }) => [kind, gpus])).toEqual([
    ['KIND_CPU', []],
    ['KIND_CPU', []],
    ['KIND_MODEL', []],
  ]);
  validateInstanceGroups(placed, noGpus);
  const one = { ids: [0], uuids: ['GPU-a'], minComputeCapability: 6 };
  expect(withCpuForGpu(wanted, one)).toBe(wanted);
});
