import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensurePythonEnv } from '../../tools/python-env.mjs';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from './python-models.ts';
import { type TemporaryRepository, temporaryRepository } from './temporary-repository.ts';

const work = mkdtempSync(join(tmpdir(), 'nereid-environments-'));
const cache = join(work, 'cache');
const usesThing = pythonModel('import thing; print("thing", thing.VALUE, thing.__file__)');
const archiveParameter =
  'parameters { key: "EXECUTION_ENV_PATH" value { string_value: "$$TRITON_MODEL_DIRECTORY/env.tar.gz" } }';

let repository: TemporaryRepository;
let server: ServerProcess;

function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd: work });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout.trim();
}

/** A package of one module, as pip installs it without a network. */
function makeWheel(directory: string, version: string): void {
  mkdirSync(directory, { recursive: true });
  const script = `import sys, zipfile
path, version = sys.argv[1:]
info = f"thing-{version}.dist-info"
with zipfile.ZipFile(f"{path}/thing-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr("thing.py", f"VALUE = {version!r}")
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: thing\\nVersion: {version}\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", "")
`;
  run(ensurePythonEnv(), '-c', script, directory, version);
}

/** An archive as conda-pack makes them: what is in it has no folder above it. */
function makeArchive(file: string): void {
  const environment = join(work, 'environment');
  const python = ensurePythonEnv();
  run(python, '-m', 'venv', '--without-pip', environment);
  const paths = 'import sysconfig; print(sysconfig.get_path("purelib"))';
  writeFileSync(
    join(run(join(environment, 'bin', 'python'), '-c', paths), 'parent.pth'),
    `${run(python, '-c', paths)}\n`,
  );
  writeFileSync(
    join(environment, 'bin', 'conda-unpack'),
    'import pathlib, sys\npathlib.Path(sys.prefix, "unpacked").touch()\n',
  );
  run('tar', '-czf', file, '-C', environment, '.');
}

beforeAll(async () => {
  repository = temporaryRepository({
    'packed/config.pbtxt': pythonConfig(archiveParameter),
    'packed/1/model.py': pythonModel(
      'print("prefix", sys.prefix, os.path.exists(sys.prefix + "/unpacked"))',
    ),
    'broken_archive/config.pbtxt': pythonConfig(archiveParameter),
    'broken_archive/1/model.py': pythonModel(''),
    'broken_archive/env.tar.gz': 'no archive',
    'no_archive/config.pbtxt': pythonConfig(archiveParameter.replace('.tar.gz', '.zip')),
    'no_archive/1/model.py': pythonModel(''),
    'no_archive/env.zip': 'no archive',
    'nowhere/config.pbtxt': pythonConfig(archiveParameter),
    'nowhere/1/model.py': pythonModel(''),
    'thing/config.pbtxt': pythonConfig(),
    'thing/1/model.py': usesThing,
    'thing/requirements.txt': 'thing==1.0\nnumpy\n',
    'thing_again/config.pbtxt': pythonConfig(),
    'thing_again/1/model.py': usesThing,
    'thing_again/1/requirements.txt': 'thing==1.0\nnumpy\n',
    'thing_again/requirements.txt': 'thing==0.1\n',
    'satisfied/config.pbtxt': pythonConfig(),
    'satisfied/1/model.py': pythonModel('print("prefix", sys.prefix)'),
    'satisfied/requirements.txt': 'numpy>=1.20\n',
    'missing/config.pbtxt': pythonConfig(),
    'missing/1/model.py': pythonModel(''),
    'missing/requirements.txt': '--no-index\nno-such-package-for-nereid==1.0\n',
  });
  makeWheel(join(repository.path, 'thing', 'wheels'), '1.0');
  makeWheel(join(repository.path, 'thing_again', '1', 'wheels'), '1.0');
  makeArchive(join(repository.path, 'packed', 'env.tar.gz'));
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--strict-readiness=false',
      pythonRuntimeFlag(),
      `--backend-config=python,environment-cache=${cache}`,
    ],
  });
});

afterAll(async () => {
  await server?.stop();
  repository?.remove();
  rmSync(work, { recursive: true, force: true });
});

async function load(name: string, at = server): Promise<string> {
  const answer = await fetch(`${at.url}/v2/repository/models/${name}/load`, { method: 'POST' });
  return answer.text();
}

async function infer(name: string): Promise<number> {
  const body = { inputs: [{ name: 'X', shape: [1], datatype: 'INT32', data: [1] }] };
  const answer = await fetch(`${server.url}/v2/models/${name}/infer`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  return answer.status;
}

const environments = (kind: string): string[] =>
  readdirSync(cache).filter((name) => name.startsWith(kind));

describe('an archive of an environment', () => {
  it('is unpacked once, and used', async () => {
    expect(await load('packed')).toBe('');
    expect(await infer('packed')).toBe(200);
    await server.logged(new RegExp(`prefix ${cache}/packed-[0-9a-f]{32} True`, 'u'));
    repository.write('packed/1/other.py', '');
    expect(await load('packed')).toBe('');
    expect(environments('packed')).toHaveLength(1);
    expect(server.log.match(/Extracting Python execution env/gu)).toHaveLength(1);
  });

  it.each([
    ['broken_archive', 'could not be extracted: '],
    ['no_archive', 'which is neither a folder nor an archive (.tar.gz) of conda-pack'],
    ['nowhere', 'which does not exist'],
  ])('says what is wrong with it (%s)', async (name, text) => {
    expect(await load(name)).toContain(`EXECUTION_ENV_PATH of model '${name}' is '`);
    expect(await load(name)).toContain(text);
    expect(environments('packed')).toHaveLength(1);
  });
});

describe('requirements.txt', () => {
  it('is installed once for all models with the same file', async () => {
    expect(await load('thing')).toBe('');
    expect(await infer('thing')).toBe(200);
    await server.logged(/\[thing_0_0\] thing 1\.0 .*\/cache\/requirements-/u);
    await server.logged(/model 'thing': Successfully installed thing-1\.0/u);
    await server.logged(/model 'thing': its packages are installed, after/u);
    expect(await load('thing_again')).toBe('');
    expect(await infer('thing_again')).toBe(200);
    expect(environments('requirements')).toHaveLength(1);
    expect(server.log).not.toContain("model 'thing_again': installing");
  });

  it('needs no environment where the interpreter has everything', async () => {
    expect(await load('satisfied')).toBe('');
    expect(environments('requirements')).toHaveLength(1);
  });

  it('tells in the index what could not be installed', async () => {
    const answer = await load('missing');
    expect(answer).toContain("model 'missing' has requirements in '");
    expect(answer).toContain('No matching distribution found for no-such-package-for-nereid==1.0');
    const index = await fetch(`${server.url}/v2/repository/index`, { method: 'POST' });
    const rows = (await index.json()) as { name: string; reason?: string }[];
    expect(rows.find(({ name }) => name === 'missing')?.reason).toContain(
      'No matching distribution',
    );
    expect(environments('requirements')).toHaveLength(1);
  });

  it('is left alone where that is asked for', async () => {
    const other = await ServerProcess.start({
      flags: [
        `--model-repository=${repository.path}`,
        '--model-control-mode=explicit',
        '--strict-readiness=false',
        pythonRuntimeFlag(),
        '--backend-config=python,requirements=ignore',
      ],
    });
    expect(await load('missing', other)).toBe('');
    await other.stop();
  });
});
