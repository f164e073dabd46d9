import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TritonError } from '@nereid/protocol';
import type { EnvironmentContext } from './environment-context.ts';
import { environmentIn, type PythonEnvironment } from './python-environment.ts';

const archiveName = /\.(?:tar|tar\.gz|tgz|tar\.bz2|tar\.xz|tar\.zst)$/u;

/**
 * The environment that EXECUTION_ENV_PATH names: a folder, or an archive of conda-pack, which is
 * unpacked once for each state of the file.
 *
 * @param path absolute.
 * @throws TritonError INVALID_ARG or INTERNAL, with what is wrong with it.
 */
export async function packedEnvironment(
  path: string,
  context: EnvironmentContext,
): Promise<PythonEnvironment> {
  const what = `EXECUTION_ENV_PATH of model '${context.modelName}'`;
  const status = await stat(path).catch(() => null);
  if (status === null) {
    throw new TritonError('INVALID_ARG', `${what} is '${path}', which does not exist`);
  }
  if (status.isDirectory()) return environmentIn(path, what);
  if (!archiveName.test(path)) {
    throw new TritonError(
      'INVALID_ARG',
      `${what} is '${path}', which is neither a folder nor an archive (.tar.gz) of conda-pack`,
    );
  }
  const file = await realpath(path);
  const state = createHash('sha256').update(`${file}\n${status.size}\n${status.mtimeMs}`);
  const key = `packed-${state.digest('hex').slice(0, 32)}`;
  const folder = await context.cache.get(context.cacheDirectory, key, (directory) =>
    unpack(file, directory, context, what),
  );
  return environmentIn(folder, what);
}

async function unpack(
  archive: string,
  directory: string,
  context: EnvironmentContext,
  what: string,
): Promise<void> {
  const { commands, timeoutMs, logger } = context;
  logger.info(`Extracting Python execution env ${archive}`);
  // Names that lead out of the folder are refused, links included.
  const args = ['--extract', '--file', archive, '--directory', directory, '--no-same-owner'];
  const { ok, lines } = await commands.run('tar', args, { directory, timeoutMs });
  if (!ok) {
    throw new TritonError(
      'INTERNAL',
      `${what} is '${archive}', which could not be extracted: ${lines.join(' ')}`,
    );
  }
  const script = join(directory, 'bin', 'conda-unpack');
  if (!existsSync(script)) return;
  const { python } = environmentIn(directory, what);
  const unpacked = await commands.run(python, [script], { directory, timeoutMs });
  if (!unpacked.ok) {
    logger.warning(`${what}: conda-unpack failed: ${unpacked.lines.join(' ')}`);
  }
}
