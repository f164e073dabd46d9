import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { checkout } from './checkout.ts';
import { runCommand } from './run-command.ts';

/** The Python package for detection, as pip installs it into a folder of its own. */
export interface InstalledVision {
  /** For PYTHONPATH. */
  readonly folder: string;
  readonly remove: () => void;
}

/** Throws what pip says when it cannot. */
export async function installVision(): Promise<InstalledVision> {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-vision-'));
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  const source = join(checkout, 'python', 'vision');
  const end = await runCommand(ensurePythonEnv(), [...pip, '--target', folder, source]);
  if (end.status !== 0) throw new Error(end.output);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
