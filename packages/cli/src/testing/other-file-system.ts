import { existsSync, mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const memory = '/dev/shm';

/** Whether there is one besides that of temporary files. */
export const hasOtherFileSystem: boolean =
  existsSync(memory) && statSync(memory).dev !== statSync(tmpdir()).dev;

/** For the name of a test that needs one. */
export const noOtherFileSystem: string = hasOtherFileSystem
  ? ''
  : ' (skipped: the folder for temporary files lies in memory)';

/** A new folder there, to be removed by who asked for it. */
export function folderElsewhere(prefix: string): string {
  return mkdtempSync(join(hasOtherFileSystem ? memory : tmpdir(), prefix));
}
