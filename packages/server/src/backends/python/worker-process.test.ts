import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../core/clock.ts';
import { silentLogger } from '../../core/logger.ts';
import { SharedBlocks } from '../../memory/shared-blocks.ts';
import { encodeFrame } from './worker-frame.ts';
import { WorkerProcess } from './worker-process.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-worker-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs a script of the shell as a worker, until it is gone. */
async function run(name: string, script: string, line: (text: string) => void = () => {}) {
  const path = join(folder, name);
  writeFileSync(path, script);
  const received: unknown[] = [];
  let reason = '';
  const worker = new WorkerProcess({
    python: 'sh',
    script: path,
    environment: {},
    blocks: new SharedBlocks(),
    label: 'm',
    clock: systemClock,
    logger: { ...silentLogger, info: line },
    received: (message) => received.push(message),
    ended: (text) => {
      reason = text;
    },
  });
  await worker.ended;
  return { received, reason, lastErrorLine: worker.lastErrorLine };
}

/** Who writes into a pipe that nobody reads any more may have ended by that. */
function end(pid: number): void {
  try {
    process.kill(pid);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ESRCH' });
  }
}

function standStill(forMs: number): void {
  const begun = performance.now();
  while (performance.now() - begun < forMs);
}

describe('WorkerProcess', () => {
  it('brings its last words, also where the event loop stands still at its end', async () => {
    const message = { kind: 'log', level: 'INFO', message: 'farewell' };
    const [frame, go] = [join(folder, 'frame'), join(folder, 'go')];
    writeFileSync(frame, Buffer.concat(encodeFrame(JSON.stringify(message), [])));
    const wait = `while [ ! -e ${go} ]; do sleep 0.01; done`;
    const last = run('last', `${wait}; cat ${frame} >&3; printf 'last words' >&2; exit 3`);
    // The end of one process has the ends of all noticed, and it is noticed after what is read here; what the
    // other has written is read when the event loop has stood still once more.
    const first = run('first', 'echo line', () => {
      writeFileSync(go, '');
      standStill(500);
      setImmediate(() => standStill(250));
    });
    standStill(250);
    expect(await last).toEqual({
      received: [message],
      reason: 'status 3',
      lastErrorLine: 'last words',
    });
    await first;
  });

  it.each([
    ['hold its pipes open', 'sleep 60'],
    ['write into its pipes', 'yes'],
  ])('does not wait for processes that %s', async (_name, command) => {
    const pidFile = join(folder, 'pid');
    const { reason } = await run('worker', `${command} & echo $! > ${pidFile}; exit 4`);
    end(Number(readFileSync(pidFile, 'utf8')));
    expect(reason).toBe('status 4');
  });
});
