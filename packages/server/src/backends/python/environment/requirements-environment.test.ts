import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@nereid/test-kit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../../core/logger.ts';
import { EnvironmentCache } from './environment-cache.ts';
import { requirementsEnvironment } from './requirements-environment.ts';
import { RequirementsFile } from './requirements-file.ts';
import { type CommandResult, CommandRunner } from './run-command.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nereid-requirements-'));
  writeFileSync(join(directory, 'requirements.txt'), 'numpy\n');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Says so of the interpreter, and that it has everything. */
class SatisfiedInterpreter extends CommandRunner {
  readonly #lines: readonly string[];

  constructor(lines: readonly string[]) {
    super();
    this.#lines = lines;
  }

  override async run(_command: string, [first]: readonly string[]): Promise<CommandResult> {
    return { ok: true, lines: first === '-c' ? this.#lines : [] };
  }
}

async function pythonFor(lines: readonly string[]): Promise<string> {
  const file = RequirementsFile.find([directory]) as RequirementsFile;
  const { python } = await requirementsEnvironment({ python: 'python3', variables: {} }, file, {
    modelName: 'm',
    cache: new EnvironmentCache(),
    cacheDirectory: join(directory, 'cache'),
    satisfied: new Set(),
    commands: new SatisfiedInterpreter(lines),
    timeoutMs: 1000,
    clock: new ManualClock(),
    logger: silentLogger,
  });
  return python;
}

const described = '["3.12.1", "/usr", ["/usr/lib/python3"]]';

it.each([
  [[described]],
  [['Error in sitecustomize', described]],
  [[described, 'Exception ignored in: <stdout>']],
])('finds what an interpreter says of itself among its warnings: %j', async (lines) => {
  expect(await pythonFor(lines)).toBe('python3');
});

it('says what an interpreter printed that says nothing of itself', async () => {
  await expect(pythonFor(['Segmentation fault'])).rejects.toThrow(
    "but 'python3' cannot be run: Segmentation fault",
  );
});
