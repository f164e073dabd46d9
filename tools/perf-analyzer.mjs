// Triton's own load generator, for the tests: the last one that a wheel of the client contains.
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withFileLock } from './file-lock.mjs';
import { ensurePythonEnv } from './python-env.mjs';
import { run } from './run-program.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, '.cache', 'perf-analyzer');
const wheels = ['tritonclient==2.51.0', 'nvidia-cuda-runtime-cu12==12.9.79'];

const binary = join(folder, 'tritonclient-2.51.0.data', 'data', 'bin', 'perf_analyzer');
/** The binary is linked against CUDA's runtime and libb64 also where it uses neither. */
const libraries = [
  join(folder, 'nvidia', 'cuda_runtime', 'lib'),
  join(folder, 'usr', 'lib', 'x86_64-linux-gnu'),
];
const env = {
  LD_LIBRARY_PATH: [...libraries, process.env.LD_LIBRARY_PATH ?? ''].filter(Boolean).join(':'),
};

/** What keeps the binary from starting, or null. */
function defect(path) {
  const linked = run('ldd', [path], { env });
  if (!linked.ok) return linked.output;
  const missing = linked.output.split('\n').filter((line) => line.includes('not found'));
  return missing.length === 0 ? null : missing.map((line) => line.trim()).join(', ');
}

/** libb64 comes from the distribution's package, unpacked here, so that nothing needs root. */
function unpackLibb64(target) {
  const fetched = run('apt-get', ['download', 'libb64-0d'], { cwd: target });
  const archive = readdirSync(target).find((name) => name.endsWith('.deb'));
  if (!fetched.ok || archive === undefined) return;
  run('dpkg', ['-x', archive, '.'], { cwd: target });
}

function install() {
  const target = `${folder}.new`;
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const python = ensurePythonEnv();
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', target];
  const downloaded = run(python, [...pip, ...wheels]);
  if (!downloaded.ok) return `pip could not download ${wheels.join(', ')}: ${downloaded.output}`;
  for (const name of readdirSync(target).filter((name) => name.endsWith('.whl'))) {
    run(python, ['-m', 'zipfile', '-e', join(target, name), target]);
    rmSync(join(target, name));
  }
  if (!run('sh', ['-c', 'ldconfig -p | grep -q libb64.so.0d']).ok) unpackLibb64(target);
  rmSync(folder, { recursive: true, force: true });
  renameSync(target, folder);
  chmodSync(binary, 0o755);
  return null;
}

/**
 * Gives perf_analyzer's path and the environment that it needs, after downloading it into .cache if
 * need be (17 MB); or the reason why this machine cannot run it.
 */
export function ensurePerfAnalyzer() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { available: false, reason: 'perf_analyzer is a binary for Linux on x86-64' };
  }
  return withFileLock(join(root, '.cache', 'perf-analyzer.lock'), () => {
    const failure = existsSync(binary) ? null : install();
    const reason = failure ?? defect(binary);
    return reason === null ? { available: true, path: binary, env } : { available: false, reason };
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(JSON.stringify(ensurePerfAnalyzer(), null, 2));
}
