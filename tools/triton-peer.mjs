// A real tritonserver with its Python backend, for the benchmarks: the one in NVIDIA's wheel of PyTriton.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFileLock } from './file-lock.mjs';
import { ensurePythonEnv } from './python-env.mjs';
import { run } from './run-program.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, '.cache', 'triton-peer');
const wheel = 'nvidia-pytriton==0.7.0';
/** The stub was compiled for this one: with NumPy 2 the outputs of models have wrong sizes. */
const numpy = 'numpy==1.26.4';
/** The stub takes the environment of the python that it finds in PATH, whatever PYTHONPATH says. */
const interpreter = join(folder, 'venv', 'bin', 'python');

/** The stub embeds the interpreter's shared library, which is not always where the loader looks. */
function describePython(python) {
  const script =
    'import json, sys, sysconfig; print(json.dumps([f"{sys.version_info.major}.{sys.version_info.minor}", sysconfig.get_config_var("LIBDIR")]))';
  const asked = run(python, ['-c', script]);
  if (!asked.ok) throw new Error(asked.output);
  const [version, libraries] = JSON.parse(asked.output);
  return { version, libraries };
}

function install(python) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  const installed = run(python, [...pip, '--target', join(folder, 'packages'), wheel]);
  if (!installed.ok) return `pip could not install ${wheel}: ${installed.output}`;
  const made = run(python, ['-m', 'venv', join(folder, 'venv')]);
  const own = made.ok ? run(interpreter, [...pip, numpy]) : made;
  if (!own.ok) return `the environment of the stub could not be made: ${own.output}`;
  writeFileSync(join(folder, 'complete'), `${wheel} ${numpy}`);
  return null;
}

function isComplete() {
  const mark = join(folder, 'complete');
  return existsSync(mark) && readFileSync(mark, 'utf8') === `${wheel} ${numpy}`;
}

/** Triton looks for the stub beside the backend's library; the wheel has one for each Python. */
function backendFolder(triton, version) {
  const backends = join(folder, 'backends');
  const target = join(backends, 'python');
  const stub = join(triton, 'python_backend_stubs', version, 'triton_python_backend_stub');
  if (!existsSync(stub)) return null;
  mkdirSync(target, { recursive: true });
  const source = join(triton, 'backends', 'python');
  for (const name of readdirSync(source).filter((name) => !name.startsWith('__'))) {
    copyFileSync(join(source, name), join(target, name));
  }
  const copy = join(target, 'triton_python_backend_stub');
  // One that runs cannot be written to.
  if (!existsSync(copy) || statSync(copy).size !== statSync(stub).size) copyFileSync(stub, copy);
  chmodSync(copy, 0o755);
  return backends;
}

/**
 * Gives the command, the flags and the environment that start a real tritonserver, after downloading
 * it into .cache if need be (60 MB); or the reason why this machine cannot run it.
 */
export function ensureTritonPeer() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { available: false, reason: 'the wheel holds binaries for Linux on x86-64' };
  }
  return withFileLock(join(root, '.cache', 'triton-peer.lock'), () => {
    const python = ensurePythonEnv();
    const failure = isComplete() ? null : install(python);
    if (failure !== null) return { available: false, reason: failure };
    const { version, libraries } = describePython(python);
    const triton = join(folder, 'packages', 'pytriton', 'tritonserver');
    const backends = backendFolder(triton, version);
    if (backends === null) {
      return { available: false, reason: `the wheel has no Python backend for Python ${version}` };
    }
    const path = join(triton, 'bin', 'tritonserver');
    chmodSync(path, 0o755);
    const env = {
      LD_LIBRARY_PATH: [
        join(folder, 'packages', 'nvidia_pytriton.libs'),
        libraries,
        process.env.LD_LIBRARY_PATH ?? '',
      ]
        .filter(Boolean)
        .join(':'),
      PATH: `${dirname(interpreter)}:${process.env.PATH}`,
    };
    const started = run(path, ['--help'], { env });
    // It ends with status 1 after its help.
    if (!started.output.includes('--model-repository')) {
      return { available: false, reason: started.output };
    }
    const flags = [
      `--backend-directory=${backends}`,
      `--cache-directory=${join(triton, 'caches')}`,
    ];
    return { available: true, path, flags, env };
  });
}
