import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TritonError } from '@nereid/protocol';
import type { EnvironmentContext } from './environment-context.ts';
import { environmentIn, type PythonEnvironment } from './python-environment.ts';
import type { RequirementsFile } from './requirements-file.ts';
import type { CommandResult } from './run-command.ts';

/** Says what an interpreter is, and where its packages are. */
const describe = `import json, site, sys, sysconfig
paths = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")] + site.getsitepackages()
if site.ENABLE_USER_SITE: paths.append(site.getusersitepackages())
print(json.dumps([sys.version, sys.prefix, list(dict.fromkeys(paths))]))`;

/** Lines of pip that tell how far it is. */
const progress = /^(?:Collecting|Downloading|Building|Installing|Successfully installed)\b/u;
/** What a new virtual environment sees besides its own packages. */
const parentFile = 'nereid-parent.pth';

interface Interpreter {
  readonly version: string;
  readonly prefix: string;
  readonly packagePaths: readonly string[];
}

/**
 * An environment that has what a requirements file names: the given interpreter where it has all of it,
 * otherwise a virtual environment upon it, which is made once for all models with the same file.
 *
 * @throws TritonError INTERNAL, with pip's words, when something cannot be installed.
 */
export async function requirementsEnvironment(
  base: PythonEnvironment,
  file: RequirementsFile,
  context: EnvironmentContext,
): Promise<PythonEnvironment> {
  return new RequirementsInstaller(base, file, context).environment();
}

class RequirementsInstaller {
  readonly #base: PythonEnvironment;
  readonly #file: RequirementsFile;
  readonly #context: EnvironmentContext;

  constructor(base: PythonEnvironment, file: RequirementsFile, context: EnvironmentContext) {
    this.#base = base;
    this.#file = file;
    this.#context = context;
  }

  async environment(): Promise<PythonEnvironment> {
    const { modelName, cache, cacheDirectory } = this.#context;
    const interpreter = await this.#describe(this.#base.python);
    const key = this.#file.key(`${interpreter.version}\n${interpreter.prefix}`);
    if (!cache.has(cacheDirectory, key) && (await this.#isSatisfied(key))) return this.#base;
    const folder = await cache.get(cacheDirectory, key, (directory) =>
      this.#install(directory, interpreter),
    );
    return environmentIn(folder, `the environment of model '${modelName}'`);
  }

  async #describe(python: string): Promise<Interpreter> {
    const { ok, lines } = await this.#run(python, ['-c', describe]);
    // Warnings may come before it and after it.
    const described = lines.findLast((line) => line.startsWith('["'));
    if (!ok || described === undefined) throw this.#error(`'${python}' cannot be run`, lines);
    const [version, prefix, packagePaths] = JSON.parse(described);
    return { version, prefix, packagePaths };
  }

  /** Without the network: pip needs no index where nothing is missing. */
  async #isSatisfied(key: string): Promise<boolean> {
    const { satisfied } = this.#context;
    if (satisfied.has(key)) return true;
    const args = ['-m', 'pip', 'install', '--dry-run', '--no-index', ...this.#requirements()];
    const { ok, lines } = await this.#run(this.#base.python, args);
    if (!ok || lines.some((line) => line.startsWith('Would install'))) return false;
    satisfied.add(key);
    return true;
  }

  async #install(directory: string, interpreter: Interpreter): Promise<void> {
    const { modelName, clock, logger } = this.#context;
    const startNs = clock.nowNs();
    logger.info(`model '${modelName}': installing what ${this.#file.path} names`);
    const python = await this.#makeVirtualEnvironment(directory, interpreter);
    const { wheels } = this.#file;
    const offline =
      wheels === null ? null : await this.#pip(python, ['--no-index', '--find-links', wheels]);
    if (offline?.ok !== true) {
      const links = wheels === null ? [] : ['--find-links', wheels];
      const { ok, lines } = await this.#pip(python, links);
      if (!ok) throw this.#installError(lines);
    }
    const seconds = ((clock.nowNs() - startNs) / 1e9).toFixed(1);
    logger.info(`model '${modelName}': its packages are installed, after ${seconds} s`);
  }

  /** Sees the packages of the interpreter that it is made with, also where that is a virtual environment. */
  async #makeVirtualEnvironment(directory: string, interpreter: Interpreter): Promise<string> {
    const made = await this.#run(this.#base.python, ['-m', 'venv', '--without-pip', directory]);
    if (!made.ok) {
      throw this.#error(
        `'${this.#base.python} -m venv' failed (Debian has it in the package python3-venv)`,
        made.lines,
      );
    }
    const python = join(directory, 'bin', 'python');
    const [packages] = (await this.#describe(python)).packagePaths;
    await writeFile(
      join(packages as string, parentFile),
      `${interpreter.packagePaths.join('\n')}\n`,
    );
    if (!(await this.#run(python, ['-m', 'pip', '--version'])).ok) {
      const ensured = await this.#run(python, ['-m', 'ensurepip']);
      if (!ensured.ok) throw this.#error(`'${this.#base.python}' has no pip`, ensured.lines);
    }
    return python;
  }

  #pip(python: string, more: readonly string[]): Promise<CommandResult> {
    const { modelName, logger } = this.#context;
    const args = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input'];
    return this.#run(python, [...args, ...more, ...this.#requirements()], (line) => {
      if (progress.test(line)) logger.info(`model '${modelName}': ${line}`);
    });
  }

  #requirements(): string[] {
    return ['--progress-bar', 'off', '-r', this.#file.path];
  }

  #run(
    command: string,
    args: readonly string[],
    line?: (line: string) => void,
  ): Promise<CommandResult> {
    const { commands, timeoutMs } = this.#context;
    const directory = this.#file.directory;
    return commands.run(command, args, { directory, timeoutMs, ...(line && { line }) });
  }

  #installError(lines: readonly string[]): TritonError {
    const errors = lines.filter((line) => /^(?:ERROR|error|WARNING: Retrying)/u.test(line));
    return this.#error(
      `pip could not install it (without a network, put wheels into the folder 'wheels' beside it, or install its packages for ${this.#base.python})`,
      errors.length > 0 ? errors : lines,
    );
  }

  #error(text: string, lines: readonly string[]): TritonError {
    const { modelName } = this.#context;
    return new TritonError(
      'INTERNAL',
      `model '${modelName}' has requirements in '${this.#file.path}', but ${text}: ${lines.join(' ')}`,
    );
  }
}
