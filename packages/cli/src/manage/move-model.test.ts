import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../command/run-command.ts';
import {
  folderElsewhere,
  hasOtherFileSystem,
  noOtherFileSystem,
} from '../testing/other-file-system.ts';
import { testContext } from '../testing/test-context.ts';
import { disableModel, enableModel } from './move-model.ts';

let base: string;
let other: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'nereid-move-'));
  other = folderElsewhere('nereid-move-');
  mkdirSync(join(base, 'triton/m/1'), { recursive: true });
  writeFileSync(join(base, 'triton/m/1/model.onnx'), 'weights');
  symlinkSync('1', join(base, 'triton/m/2'));
});
afterEach(() => {
  for (const folder of [base, other]) rmSync(folder, { recursive: true, force: true });
});

async function run(command: typeof disableModel, name: string) {
  const context = testContext(base);
  const disabled = join(other, 'disabled');
  const status = await runCommand(command, ['--model', name, '--disabled-dir', disabled], context);
  return { status, said: context.out() + context.err() };
}

describe.skipIf(!hasOtherFileSystem)(
  `models that move to another file system${noOtherFileSystem}`,
  () => {
    it('go and come back whole, and leave nothing behind', async () => {
      expect((await run(disableModel, 'm')).status).toBe(0);
      const moved = join(other, 'disabled/m');
      expect(readFileSync(join(moved, '1/model.onnx'), 'utf8')).toBe('weights');
      expect(readlinkSync(join(moved, '2'))).toBe('1');
      expect(readdirSync(join(base, 'triton'))).toEqual([]);
      expect(readdirSync(base)).toEqual(['triton']);
      expect(readdirSync(other)).toEqual(['disabled']);

      expect((await run(enableModel, 'm')).status).toBe(0);
      expect(readFileSync(join(base, 'triton/m/2/model.onnx'), 'utf8')).toBe('weights');
      expect(readdirSync(join(other, 'disabled'))).toEqual([]);
      expect(readdirSync(base)).toEqual(['triton']);
    });

    it('stay links where they are links', async () => {
      mkdirSync(join(base, 'store'));
      symlinkSync('../store', join(base, 'triton/linked'));
      expect((await run(disableModel, 'linked')).status).toBe(0);
      expect(readlinkSync(join(other, 'disabled/linked'))).toBe(join(base, 'store'));
      expect(lstatSync(join(base, 'store')).isDirectory()).toBe(true);
    });

    it('do not move where a model of the name is, or from where none is', async () => {
      mkdirSync(join(other, 'disabled/m'), { recursive: true });
      expect(await run(disableModel, 'm')).toMatchObject({
        status: 1,
        said: expect.stringContaining('is there already'),
      });
      expect(existsSync(join(base, 'triton/m/1/model.onnx'))).toBe(true);
      expect(await run(disableModel, 'mm')).toMatchObject({
        status: 4,
        said: expect.stringContaining("did you mean 'm'?"),
      });
    });
  },
);
