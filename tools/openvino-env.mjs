// The Python environment of the OpenVINO backend's tests: a virtual environment in .cache.
import { ensureFrameworkEnv, pipInstall } from './framework-env.mjs';

const openvino = 'openvino==2026.4.1';

/** Gives a Python that has OpenVINO (60 MB, downloaded once), or why there is none here. */
export function ensureOpenvinoEnv() {
  return ensureFrameworkEnv('openvino', openvino, (python) => pipInstall(python, [openvino]));
}
