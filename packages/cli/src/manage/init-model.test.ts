import {
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityModel } from '@nereid/test-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../command/run-command.ts';
import { testContext } from '../testing/test-context.ts';
import { initModel } from './init-model.ts';

const memory = '/dev/shm';
const hasOther = existsSync(memory) && statSync(memory).dev !== statSync(tmpdir()).dev;
const reason = hasOther ? '' : ' (skipped: the folder for temporary files lies in memory)';

let base: string;
let repository: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'nereid-init-'));
  repository = mkdtempSync(join(hasOther ? memory : tmpdir(), 'nereid-init-'));
  symlinkSync(repository, join(base, 'triton'));
  writeFileSync(join(base, 'net.onnx'), identityModel('FLOAT', [2]));
});
afterEach(() => {
  for (const folder of [base, repository]) rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!hasOther)(`a repository on a file system of its own${reason}`, () => {
  it('gets models, and more versions of them', async () => {
    const run = async (version: string): Promise<string> => {
      const context = testContext(base);
      const status = await runCommand(initModel, ['net.onnx', '--model-version', version], context);
      return `${status} ${context.err()}`;
    };
    expect(await run('1')).toMatch(/^0 /u);
    expect(readdirSync(join(repository, 'net')).sort()).toEqual(['1', 'config.pbtxt']);
    rmSync(join(repository, 'net/config.pbtxt'));
    expect(await run('2')).toMatch(/^0 /u);
    expect(readdirSync(join(repository, 'net')).sort()).toEqual(['1', '2', 'config.pbtxt']);
    expect(readdirSync(join(repository, 'net/2'))).toEqual(['model.onnx']);
    expect(readdirSync(repository)).toEqual(['net']);
  });
});
