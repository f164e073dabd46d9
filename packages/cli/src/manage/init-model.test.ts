import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityModel } from '@nereid/test-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../command/run-command.ts';
import {
  folderElsewhere,
  hasOtherFileSystem,
  noOtherFileSystem,
} from '../testing/other-file-system.ts';
import { testContext } from '../testing/test-context.ts';
import { initModel } from './init-model.ts';

let base: string;
let repository: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'nereid-init-'));
  repository = folderElsewhere('nereid-init-');
  symlinkSync(repository, join(base, 'triton'));
  writeFileSync(join(base, 'net.onnx'), identityModel('FLOAT', [2]));
});
afterEach(() => {
  for (const folder of [base, repository]) rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!hasOtherFileSystem)(
  `a repository on a file system of its own${noOtherFileSystem}`,
  () => {
    it('gets models, and more versions of them', async () => {
      const run = async (version: string): Promise<string> => {
        const context = testContext(base);
        const status = await runCommand(
          initModel,
          ['net.onnx', '--model-version', version],
          context,
        );
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
  },
);
