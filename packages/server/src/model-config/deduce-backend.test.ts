import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyModelConfig, type ModelConfig } from '@nereid/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deduceBackend, type VersionContent } from './deduce-backend.ts';
import { firstVersionContent } from './version-content.ts';

function deduced(
  given: Partial<ModelConfig>,
  content: VersionContent | null,
  name = 'm',
): readonly string[] {
  const config = deduceBackend({ ...emptyModelConfig(), ...given }, name, content);
  return [config.backend, config.platform, config.default_model_filename];
}

const file = (name: string): VersionContent => new Map([[name, 'file']]);
const folder = (name: string): VersionContent => new Map([[name, 'directory']]);

test.each([
  ['model.onnx', 'file', ['onnxruntime', 'onnxruntime_onnx', 'model.onnx']],
  ['model.onnx', 'directory', ['onnxruntime', 'onnxruntime_onnx', 'model.onnx']],
  ['model.plan', 'file', ['tensorrt', 'tensorrt_plan', 'model.plan']],
  ['model.xml', 'file', ['openvino', '', 'model.xml']],
  ['model.pt', 'file', ['pytorch', 'pytorch_libtorch', 'model.pt']],
  ['model.pt2', 'file', ['pytorch', 'torch_aoti', 'model.pt2']],
  ['model.py', 'file', ['python', '', 'model.py']],
  ['model.js', 'file', ['javascript', '', '']],
  ['model.mts', 'file', ['javascript', '', '']],
  ['model.savedmodel', 'directory', ['tensorflow', 'tensorflow_savedmodel', 'model.savedmodel']],
  ['model.graphdef', 'file', ['tensorflow', 'tensorflow_graphdef', 'model.graphdef']],
] as const)('%s as a %s tells the backend', (name, kind, expected) => {
  expect(deduced({}, new Map([[name, kind]]))).toEqual(expected);
});

test('what the configuration says comes before what the folder holds', () => {
  expect(deduced({ backend: 'python' }, file('model.onnx'))).toEqual(['python', '', 'model.py']);
  expect(deduced({ backend: 'identity' }, file('model.onnx'))).toEqual(['identity', '', '']);
  expect(deduced({ platform: 'onnxruntime_onnx' }, null)).toEqual([
    'onnxruntime',
    'onnxruntime_onnx',
    'model.onnx',
  ]);
  expect(
    deduced({ platform: 'onnxruntime_onnx', default_model_filename: 'other.onnx' }, null),
  ).toEqual(['onnxruntime', 'onnxruntime_onnx', 'other.onnx']);
  expect(deduced({ default_model_filename: 'model.py' }, file('model.onnx'))).toEqual([
    'python',
    '',
    'model.py',
  ]);
  expect(deduced({ platform: 'ensemble' }, null)).toEqual(['', 'ensemble', '']);
  expect(deduced({ backend: 'onnxruntime', platform: 'tensorrt_plan' }, null)[1]).toBe(
    'tensorrt_plan',
  );
});

test('a name of the form model.backend is the last resort', () => {
  expect(deduced({}, folder('x'), 'm.identity')).toEqual(['identity', '', 'model.identity']);
  expect(() => deduced({}, null, 'plain')).toThrow(
    "Invalid model name: Could not determine backend for model 'plain' with no backend in model configuration. Expected model name of the form 'model.<backend_name>'.",
  );
});

test('the name of the folder becomes the name of the model', () => {
  const named = (name: string) =>
    deduceBackend({ ...emptyModelConfig(), name }, 'folder', file('model.onnx')).name;
  expect(named('')).toBe('folder');
  expect(named('other')).toBe('other');
});

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nereid-deduce-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('the folder that sorts first is looked into, links followed', async () => {
  await mkdir(join(directory, '2', 'inner'), { recursive: true });
  await mkdir(join(directory, 'configs'));
  await writeFile(join(directory, 'config.pbtxt'), '');
  await writeFile(join(directory, '2', 'model.onnx'), '');
  await symlink('inner', join(directory, '2', 'linked'));
  await symlink('nowhere', join(directory, '2', 'broken'));
  expect(await firstVersionContent(directory)).toEqual(
    new Map([
      ['inner', 'directory'],
      ['model.onnx', 'file'],
      ['linked', 'directory'],
      ['broken', 'file'],
    ]),
  );
});

test('a model without folders has no content, and a missing one is an error', async () => {
  expect(await firstVersionContent(directory)).toBeNull();
  await expect(firstVersionContent(join(directory, 'no'))).rejects.toMatchObject({
    code: 'INTERNAL',
  });
});
