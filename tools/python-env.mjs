// The Python environment of the end-to-end tests: `.venv` in the checkout, with Triton's own client.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withFileLock } from './file-lock.mjs';
import { run } from './run-program.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const requirements = join(root, 'tests', 'e2e', 'python', 'requirements.txt');
const environment = join(root, '.venv');
const stamp = join(environment, '.requirements-sha256');
const installMsMax = 500_000;

/** The python that makes the environment: $NEREID_PYTHON, else python3. */
const basePython = process.env.NEREID_PYTHON ?? 'python3';

const windows = process.platform === 'win32';
const python = windows
  ? join(environment, 'Scripts', 'python.exe')
  : join(environment, 'bin', 'python');

function checkBasePython() {
  const asked = run(basePython, ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))']);
  if (asked.ok) return;
  throw new Error(
    `the tests need Python 3.10 or later as '${basePython}' (set NEREID_PYTHON to use another): ` +
      (asked.output || 'this one is older'),
  );
}

function create(hash) {
  checkBasePython();
  console.error(`Creating ${environment} for the tests…`);
  rmSync(environment, { recursive: true, force: true });
  const made = run(basePython, ['-m', 'venv', environment], { timeoutMs: installMsMax });
  if (!made.ok) {
    throw new Error(
      `'${basePython} -m venv' failed (Debian has it in the package python3-venv): ${made.output}`,
    );
  }
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  const installed = run(python, [...pip, '-r', requirements], { timeoutMs: installMsMax });
  if (!installed.ok) throw new Error(`pip could not install ${requirements}: ${installed.output}`);
  writeFileSync(stamp, hash);
}

/**
 * Gives the path of a Python that has what tests/e2e/python/requirements.txt names. Creates `.venv` for
 * it, and again whenever that file changes. Throws an Error that says what is missing.
 */
export function ensurePythonEnv() {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  const current = () =>
    existsSync(python) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
  if (current()) return python;
  return withFileLock(join(root, '.cache', 'python-env.lock'), () => {
    if (!current()) create(hash);
    return python;
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(ensurePythonEnv());
}
