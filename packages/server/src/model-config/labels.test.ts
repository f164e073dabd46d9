import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ModelConfig, parseModelConfigText } from '@nereid/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { configPaths } from './config-path.ts';
import { expectedInputShape, expectedOutputShape } from './io-shape.ts';
import { parseLabels, readModelLabels } from './labels.ts';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nereid-labels-'));
  await mkdir(join(directory, 'm'));
});
afterEach(() => rm(directory, { recursive: true }));

const config = (file: string): ModelConfig =>
  parseModelConfigText(
    `name: "m" output { name: "x" label_filename: "${file}" } output { name: "y" }`,
    'c',
  );
const read = (file: string) => readModelLabels(config(file), join(directory, 'm'));

test('a label a line', async () => {
  expect(parseLabels('a\nb\n\nc\n')).toEqual(['a', 'b', '', 'c']);
  expect(parseLabels('a\nb')).toEqual(['a', 'b']);
  expect(parseLabels('')).toEqual([]);
  await writeFile(join(directory, 'm', 'labels.txt'), 'cat\ndog\n');
  expect(await read('labels.txt')).toEqual(new Map([['x', ['cat', 'dog']]]));
});

test('files outside of the folder are refused, also through a link', async () => {
  await writeFile(join(directory, 'secret'), 'no');
  await symlink('../secret', join(directory, 'm', 'link'));
  for (const file of ['../secret', 'link', '../missing']) {
    await expect(read(file)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: `label file path '${join(directory, 'm', file)}' for output 'x' in model 'm' is outside model directory`,
    });
  }
});

test('a missing file is named', async () => {
  await expect(read('no.txt')).rejects.toMatchObject({
    code: 'INTERNAL',
    message: `failed to open text file for read ${join(directory, 'm', 'no.txt')}: No such file or directory`,
  });
});

test('a named configuration comes before the usual one', () => {
  expect(configPaths('/r/m', '')).toEqual(['/r/m/config.pbtxt']);
  expect(configPaths('/r/m', 'alt')).toEqual(['/r/m/configs/alt.pbtxt', '/r/m/config.pbtxt']);
});

test('shapes for clients begin with the batch dimension when the model batches', () => {
  const text = 'input { dims: [ 4, -1 ] } output { dims: 2 reshape { } }';
  const shapes = (maxBatchSize: number) => {
    const parsed = parseModelConfigText(`max_batch_size: ${maxBatchSize} ${text}`, 'c');
    return [
      parsed.input.map((input) => expectedInputShape(parsed, input)),
      parsed.output.map((output) => expectedOutputShape(parsed, output)),
    ];
  };
  expect(shapes(0)).toEqual([[[4, -1]], [[2]]]);
  expect(shapes(1)).toEqual([[[-1, 4, -1]], [[-1, 2]]]);
});
