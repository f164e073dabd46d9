/** Path of a Python with the packages of tests/e2e/python/requirements.txt; creates `.venv` if needed. */
export function ensurePythonEnv(): string;
