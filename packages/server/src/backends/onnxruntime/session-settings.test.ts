import { parseModelConfigText } from '@nereid/protocol';
import { describe, expect, it } from 'vitest';
import { sessionSettings } from './session-settings.ts';

const cpuCount = 3;

function settings(
  config: string,
  backendConfig: Readonly<Record<string, string>> = {},
  device: number | null = null,
) {
  return sessionSettings(
    parseModelConfigText(`name: "m"\n${config}`, 'config.pbtxt'),
    new Map(Object.entries(backendConfig)),
    cpuCount,
    device,
  );
}

const parameter = (key: string, value: string): string =>
  `parameters { key: "${key}" value { string_value: "${value}" } }\n`;

describe('sessionSettings', () => {
  it('uses the CPUs that the process has when nothing is said', () => {
    expect(settings('').session).toMatchObject({
      intraOpThreadCount: 3,
      interOpThreadCount: 3,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      memoryArena: true,
      memoryPattern: true,
      executionProviders: [],
      profilingPathPrefix: null,
    });
    expect(settings('').runConfigEntries).toBe(null);
  });

  it('reads the parameters of the model, over those of the backend', () => {
    const read = settings(
      parameter('intra_op_thread_count', '2') +
        parameter('execution_mode', '1') +
        parameter('enable_mem_arena', '0') +
        parameter('session.intra_op.allow_spinning', '0') +
        parameter('memory.enable_memory_arena_shrinkage', 'cpu:0'),
      { intra_op_thread_count: '7', inter_op_thread_count: '5' },
    );
    expect(read.session).toMatchObject({
      intraOpThreadCount: 2,
      interOpThreadCount: 5,
      executionMode: 'parallel',
      memoryArena: false,
      configEntries: { 'session.intra_op.allow_spinning': '0' },
    });
    expect(read.runConfigEntries).toEqual({ 'memory.enable_memory_arena_shrinkage': 'cpu:0' });
  });

  it.each([
    [-1, 'basic'],
    [0, 'all'],
    [1, 'extended'],
    [2, 'disabled'],
  ])('turns graph level %i into %s', (level, name) => {
    const read = settings(`optimization { graph { level: ${level} } }`);
    expect(read.session.graphOptimizationLevel).toBe(name);
  });

  it('passes accelerators on, and CUDA only for instances on a GPU', () => {
    const config = `optimization { execution_accelerators {
      cpu_execution_accelerator [ { name: "openvino" parameters { key: "num_of_threads" value: "2" } } ]
      gpu_execution_accelerator [ { name: "tensorrt"
        parameters { key: "precision_mode" value: "FP16" }
        parameters { key: "max_workspace_size_bytes" value: "1073741824" } } ]
    } }\n${parameter('arena_extend_strategy', '1')}`;
    expect(settings(config).session.executionProviders).toEqual([
      { name: 'openvino', options: { num_of_threads: '2' } },
    ]);
    expect(settings(config, {}, 1).session.executionProviders).toEqual([
      {
        name: 'tensorrt',
        options: { device_id: '1', trt_fp16_enable: '1', trt_max_workspace_size: '1073741824' },
      },
      { name: 'cuda', options: { device_id: '1', arena_extend_strategy: 'kSameAsRequested' } },
      { name: 'openvino', options: { num_of_threads: '2' } },
    ]);
  });

  it('refuses a precision that there is not', () => {
    const config = `optimization { execution_accelerators { gpu_execution_accelerator
      [ { name: "tensorrt" parameters { key: "precision_mode" value: "constructor" } } ] } }`;
    expect(() => settings(config, {}, 0)).toThrow("unsupported precision mode 'constructor'");
  });

  it.each([
    ['intra_op_thread_count', 'many'],
    ['intra_op_thread_count', '1000000'],
    ['inter_op_thread_count', ''],
    ['execution_mode', '2'],
    ['enable_mem_pattern', 'perhaps'],
  ])('refuses %s: %j and names the model', (name, value) => {
    expect(() => settings(parameter(name, value))).toThrow("(parameters of model 'm')");
  });
});
