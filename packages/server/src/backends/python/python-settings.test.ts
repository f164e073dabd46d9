import { resolve } from 'node:path';
import { emptyModelConfig, type ModelConfig } from '@nereid/protocol';
import { describe, expect, test } from 'vitest';
import { type PythonSettings, pythonSettings } from './python-settings.ts';

function settings(
  given: Readonly<Record<string, string>>,
  parameters: Readonly<Record<string, string>> = {},
): PythonSettings {
  const config: ModelConfig = {
    ...emptyModelConfig(),
    parameters: new Map(
      Object.entries(parameters).map(([name, string_value]) => [name, { string_value }]),
    ),
  };
  return pythonSettings(config, '/models/m', new Map(Object.entries(given)));
}

test('without any there are defaults', () => {
  expect(settings({})).toMatchObject({
    python: 'python3',
    executionEnvironment: null,
    installRequirements: true,
    environmentTimeoutMs: 1_800_000,
    stubTimeoutMs: 30_000,
    initializeTimeoutMs: 600_000,
  });
});

test('each setting is taken', () => {
  expect(
    settings({
      'python-runtime': '/opt/python',
      requirements: 'ignore',
      'environment-cache': 'cache',
      'environment-timeout-seconds': '5',
      'stub-timeout-seconds': '6',
      'initialize-timeout-seconds': '7',
      'shm-default-byte-size': '1048576',
      'shm-growth-byte-size': '1',
      'shm-region-prefix-name': 'p',
      shm_message_queue_size: '9',
      'thread-pool-size': '1',
    }),
  ).toEqual({
    python: '/opt/python',
    executionEnvironment: null,
    installRequirements: false,
    environmentCache: resolve('cache'),
    environmentTimeoutMs: 5000,
    stubTimeoutMs: 6000,
    initializeTimeoutMs: 7000,
  });
});

test.each([
  ['$$TRITON_MODEL_DIRECTORY/env.tar.gz', '/models/m/env.tar.gz'],
  ['/envs/one', '/envs/one'],
])('EXECUTION_ENV_PATH %s', (value, path) => {
  expect(settings({}, { EXECUTION_ENV_PATH: value }).executionEnvironment).toBe(path);
});

test("EXECUTION_ENV_PATH takes a model's folder as it is called", () => {
  const parameters = new Map([
    ['EXECUTION_ENV_PATH', { string_value: '$$TRITON_MODEL_DIRECTORY/env' }],
  ]);
  const config = { ...emptyModelConfig(), parameters };
  const { executionEnvironment } = pythonSettings(config, "/models/a$&b$'c", new Map());
  expect(executionEnvironment).toBe("/models/a$&b$'c/env");
});

describe('what cannot be is refused', () => {
  test.each([
    ['stub-timeout-seconds', '0', 'must be a whole number from 1 to 86400'],
    ['requirements', 'maybe', "must be 'install' or 'ignore', got 'maybe'"],
    ['shm-default-byte-size', '1', "shm-default-byte-size can't be smaller than 4 MiBs"],
    ['shm-growth-byte-size', '0', "shm-growth-byte-size can't be smaller than or equal to zero."],
    ['shm-growth-byte-size', 'x', 'stol'],
    ['thread-pool-size', '0', "thread-pool-size can't be less than 1."],
    ['shm-region-prefix-name', '', 'must at least contain one character.'],
  ])('%s=%s', (name, value, text) => {
    expect(() => settings({ [name]: value })).toThrow(text);
  });

  test('FORCE_CPU_ONLY_INPUT_TENSORS', () => {
    const parameter = (value: string): PythonSettings =>
      settings({}, { FORCE_CPU_ONLY_INPUT_TENSORS: value });
    expect(parameter('no')).toBeDefined();
    expect(parameter('yes')).toBeDefined();
    expect(() => parameter('maybe')).toThrow('Incorrect value for FORCE_CPU_ONLY_INPUT_TENSORS');
  });
});
