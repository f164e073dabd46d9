import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { addSubModel, countingModel, onnxModel } from '../../test-kit/src/onnx-writer.ts';
import { checkExternalData, externalDataLocations, refuseExternalData } from './external-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'external-'));
afterAll(() => rmSync(folder, { recursive: true }));

function withData(location: string, nested = false): Uint8Array {
  const weights = { name: 'C', type: 'FLOAT', shape: [2], data: { location } } as const;
  const constant = {
    op: 'Constant',
    inputs: [],
    outputs: ['C'],
    attributes: { value: { tensor: weights } },
  };
  const inner = { nodes: [constant], inputs: [], outputs: [] };
  const branch = { op: 'If', inputs: ['X'], outputs: [], attributes: { body: { graph: inner } } };
  return onnxModel({
    nodes: nested ? [branch] : [],
    inputs: [],
    outputs: [],
    initializers: nested ? [] : [weights],
  });
}

test('finds the files that a model names, at any depth', () => {
  expect(externalDataLocations(addSubModel('FLOAT', ['n']))).toEqual([]);
  expect(externalDataLocations(countingModel())).toEqual([]);
  expect(externalDataLocations(withData('w.bin'))).toEqual(['w.bin']);
  expect(externalDataLocations(withData('../w.bin', true))).toEqual(['../w.bin']);
  expect(externalDataLocations(Buffer.from('\0\0\0\0ORTMxx'))).toEqual([]);
});

test('bytes that are no model', () => {
  const bytes = withData('w.bin', true);
  for (const cut of [1, 5, 20]) {
    const truncated = bytes.subarray(0, bytes.byteLength - cut);
    expect(() => externalDataLocations(truncated)).toThrow('protobuf parsing failed');
  }
  expect(() => externalDataLocations(Buffer.from('no model'))).toThrow('protobuf parsing failed');
});

test('a model from bytes may not name files', () => {
  expect(() => refuseExternalData(withData('w.bin'))).toThrow("'w.bin' needs a model");
  refuseExternalData(addSubModel('FLOAT', ['n']));
});

test('a model file may name files of its folder only', async () => {
  mkdirSync(join(folder, 'm/sub'), { recursive: true });
  writeFileSync(join(folder, 'secret'), 'secret');
  writeFileSync(join(folder, 'm/w.bin'), 'weights');
  writeFileSync(join(folder, 'm/sub/w.bin'), 'weights');
  symlinkSync('../secret', join(folder, 'm/link'));
  const path = join(folder, 'm/model.onnx');
  const check = (location: string, nested = false): Promise<void> => {
    writeFileSync(path, withData(location, nested));
    return checkExternalData(path);
  };
  for (const good of ['w.bin', './w.bin', 'sub/w.bin', 'missing.bin']) await check(good);
  for (const bad of ['../secret', 'sub/../../secret', '/etc/passwd', 'C:\\x', '..\\x', 'link']) {
    await expect(check(bad), bad).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(check(bad, true), bad).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  }
  // Snapshots of model hubs are links into a folder of blobs.
  mkdirSync(join(folder, 'snapshot'));
  symlinkSync('../m/model.onnx', join(folder, 'snapshot/model.onnx'));
  symlinkSync('../m/w.bin', join(folder, 'snapshot/w.bin'));
  await check('w.bin');
  await checkExternalData(join(folder, 'snapshot/model.onnx'));
  await checkExternalData(join(folder, 'nowhere.onnx'));
  writeFileSync(path, 'no model');
  await expect(checkExternalData(path)).rejects.toThrow(
    `Load model from ${path} failed:Protobuf parsing failed.`,
  );
});
