// The Python environment of the TensorFlow backend's tests: one that is here, else a virtual environment in .cache.
import { ensureFrameworkEnv, pipInstall } from './framework-env.mjs';
import { run } from './run-program.mjs';

/** The wheel without CUDA is a third as large. */
const name =
  process.platform === 'linux' && process.arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
const tensorflow = `${name}==2.21.0`;

/**
 * Gives the Python of NEREID_TENSORFLOW_PYTHON, or `python3` where that has TensorFlow, or one with it (350 MB, downloaded
 * once), or why there is none here.
 */
export function ensureTensorflowEnv() {
  const given = process.env.NEREID_TENSORFLOW_PYTHON;
  if (given !== undefined) return { available: true, python: given };
  if (run('python3', ['-c', 'import numpy, tensorflow']).ok) {
    return { available: true, python: 'python3' };
  }
  return ensureFrameworkEnv('tensorflow', tensorflow, (python) => pipInstall(python, [tensorflow]));
}
