// One process at a time: test files run in several processes, and each may want the same thing installed.
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const waitMsMax = 600_000;
const pollMs = 100;

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Whether the lock's file was left behind by a process that is gone. */
function abandoned(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    // An empty file is one that its owner has only just created.
    return pid > 0 && !alive(pid);
  } catch {
    return false;
  }
}

function acquire(path) {
  const deadline = Date.now() + waitMsMax;
  for (;;) {
    try {
      const file = openSync(path, 'wx');
      writeSync(file, String(process.pid));
      closeSync(file);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (abandoned(path)) rmSync(path, { force: true });
    else if (Date.now() > deadline) throw new Error(`${path} is held: remove it if nobody uses it`);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMs);
  }
}

/** Runs `action` while no other process runs one under the lock file `path`; gives its result. */
export function withFileLock(path, action) {
  mkdirSync(dirname(path), { recursive: true });
  acquire(path);
  try {
    return action();
  } finally {
    rmSync(path, { force: true });
  }
}
