import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** In a process of its own: it opens as many files as it may. */
it.runIf(process.platform === 'linux')(
  'fails where no file descriptor is free, and does no harm',
  () => {
    const script = fileURLToPath(new URL('testing/start-without-files.ts', import.meta.url));
    const shell = 'ulimit -n 256 && exec "$@"';
    const flags = ['--import', 'tsx', '--conditions=nereid-source'];
    const { status, stdout, stderr } = spawnSync(
      'sh',
      ['-c', shell, 'sh', process.execPath, ...flags, script],
      { encoding: 'utf8' },
    );
    expect([status, stderr, JSON.parse(stdout)]).toEqual([
      0,
      '',
      {
        command: { ok: false, lines: ['spawn true: this process has too many files open'] },
        worker: expect.stringContaining('spawn python3: this process has too many files open'),
        blocks: false,
      },
    ]);
  },
);
