import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** In a process of its own: it opens as many files as it may. */
it.runIf(process.platform === 'linux')('tells that no file descriptor is free', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-doctor-'));
  try {
    mkdirSync(join(directory, '1'));
    writeFileSync(join(directory, '1/model.py'), 'import numpy\n');
    const script = fileURLToPath(new URL('testing/check-python-without-files.ts', import.meta.url));
    const flags = ['--import', 'tsx', '--conditions=nereid-source'];
    const { status, stdout, stderr } = spawnSync(
      'sh',
      ['-c', 'ulimit -n 256 && exec "$@"', 'sh', process.execPath, ...flags, script, directory],
      { encoding: 'utf8' },
    );
    expect([status, stderr, JSON.parse(stdout || 'null')]).toEqual([
      0,
      '',
      [
        {
          severity: 'error',
          subject: "model 'm'",
          problem:
            'its model.py was not looked at: spawn python3: this process has too many files open',
          fix: 'let the process have more open files: ulimit -n 65536',
          file: null,
          line: null,
        },
      ],
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
