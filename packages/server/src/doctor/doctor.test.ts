import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { addSubModel } from '@nereid/test-kit';
import { afterEach, describe, expect, it } from 'vitest';
import { doctor } from './doctor.ts';
import type { Finding } from './finding.ts';
import type { Machine } from './machine.ts';

const megabyte = 1024 * 1024;

/** A machine with which nothing is wrong. */
const soundMachine: Machine = {
  nodeVersion: 'v22.11.0',
  platform: 'linux-x64',
  cpuCount: 4,
  cpuQuota: 4,
  memoryBytes: 4096 * megabyte,
  openFilesMax: 65_536,
  sharedMemoryBytes: 1024 * megabyte,
  threadPoolSize: 8,
  onnxRuntime: { path: '/lib/libonnxruntime.so' },
};

const noPorts = ['--allow-http=false', '--allow-grpc=false', '--allow-metrics=false'];

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function repositoryOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = mkdtempSync(join(tmpdir(), 'nereid-doctor-'));
  folders.push(root);
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(name.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!name.endsWith('/')) writeFileSync(path, content);
  }
  return root;
}

async function findingsOf(argv: readonly string[], machine: Machine = soundMachine) {
  const { output, status } = await doctor(['--json', ...argv], process.env, machine);
  return { findings: JSON.parse(output).findings as Finding[], status };
}

/** What is found in a repository, as `severity subject: problem → fix`. */
async function ofRepository(
  files: Readonly<Record<string, string | Uint8Array>>,
  machine: Machine = soundMachine,
): Promise<string[]> {
  const { findings } = await findingsOf(
    [`--model-repository=${repositoryOf(files)}`, ...noPorts],
    machine,
  );
  return findings.map(
    ({ severity, subject, problem, fix }) => `${severity} ${subject}: ${problem} → ${fix}`,
  );
}

const identity = 'backend: "identity"\n';
const vector = (name: string) => `[ { name: "${name}" data_type: TYPE_FP32 dims: [ 4 ] } ]`;
const identityWith = (more: string) =>
  `${identity}input ${vector('INPUT0')}\noutput ${vector('OUTPUT0')}\n${more}`;

describe('doctor', () => {
  it('finds nothing wrong with a sound machine and a model that loads', async () => {
    const path = repositoryOf({ 'add_sub/1/model.onnx': addSubModel('INT32', [16]) });
    const argv = [`--model-repository=${path}`, ...noPorts];
    const { output, status } = await doctor(argv, process.env, soundMachine);
    expect(output).toContain('Nothing is wrong.');
    expect(status).toBe(0);
  });

  it.each([
    [{ nodeVersion: 'v18.20.0' }, 'error node'],
    [{ onnxRuntime: { missing: 'no library' } }, 'error onnxruntime'],
    [{ cpuQuota: 2 }, 'advice processors'],
    [{ threadPoolSize: 2 }, 'warning threads'],
    [{ memoryBytes: 128 * megabyte }, 'warning memory'],
    [{ openFilesMax: 1024 }, 'warning open files'],
    [{ sharedMemoryBytes: 64 * megabyte }, 'advice /dev/shm'],
  ])('tells what the machine lacks: %o', async (lack, expected) => {
    const { findings } = await findingsOf([], { ...soundMachine, ...lack });
    expect(findings.map(({ severity, subject }) => `${severity} ${subject}`)).toEqual([expected]);
  });

  it('names file, line and remedy of a configuration that is wrong', async () => {
    const path = repositoryOf({ 'm/config.pbtxt': `${identity}max_batchsize: 4\n`, 'm/1/': '' });
    const { findings, status } = await findingsOf([`--model-repository=${path}`, ...noPorts]);
    expect(findings).toMatchObject([
      {
        severity: 'error',
        subject: "model 'm'",
        file: join(path, 'm', 'config.pbtxt'),
        line: 2,
        fix: "did you mean 'max_batch_size'?",
      },
    ]);
    expect(status).toBe(1);
  });

  it('loads each model to see whether it can be, and where its configuration is at fault', async () => {
    const files = {
      'm/config.pbtxt': `backend: "onnxruntime"\ninput ${vector('INPUT0')}\noutput ${vector('OUTPUT9')}\n`,
      'm/1/model.onnx': addSubModel('FLOAT', [4]),
    };
    const [found] = await ofRepository(files);
    expect(found).toMatch(/^error model 'm': version 1: .*INPUT1|OUTPUT9/u);
    const path = repositoryOf(files);
    const { findings } = await findingsOf(['--no-load', `--model-repository=${path}`, ...noPorts]);
    expect(findings).toEqual([]);
  });

  it('sees when the folder is a model, empty, or not there', async () => {
    const model = repositoryOf({ 'config.pbtxt': identity, '1/': '' });
    const empty = repositoryOf({});
    const problems = [];
    for (const path of [model, empty, '/nowhere/at/all']) {
      const { findings } = await findingsOf([`--model-repository=${path}`, ...noPorts]);
      problems.push(findings[0]?.problem);
    }
    expect(problems).toEqual([
      `${model} is a model, not a repository of models`,
      'there is no model in it',
      'the folder /nowhere/at/all does not exist, or may not be read',
    ]);
  });

  it('sees files and folders that a server passes over', async () => {
    const found = await ofRepository({
      'm/config.pbtxt': identityWith(''),
      'm/1/model.onnx': '',
      'm/v2/model.onnx': 'x',
      'm/model.py': 'x',
      'n/config.pbtxt': identityWith(''),
      'n/1/model.onnx': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
    });
    expect(found.map((line) => line.split(' → ')[0])).toEqual([
      "error model 'm': model.onnx is empty",
      "error model 'n': model.onnx is a pointer of Git LFS, not the model",
      "warning model 'm': model.py lies beside the versions, where nothing looks for it",
      "warning model 'm': the folder 'v2' is no version: its name must be a whole number from 1 up, without a zero before it",
    ]);
  });

  it.each([
    ['max_batch_size: 4', 'advice', 'requests are never joined'],
    ['dynamic_batching { }', 'advice', 'max_batch_size is 0'],
    [
      'max_batch_size: 4 dynamic_batching { max_queue_delay_microseconds: 5000000 }',
      'warning',
      'wait 5 seconds',
    ],
    ['response_cache { enable: true }', 'warning', 'the server has none'],
  ])('weighs the setting %s', async (setting, severity, problem) => {
    const [found] = await ofRepository({ 'm/config.pbtxt': identityWith(setting), 'm/1/': '' });
    expect(found).toContain(`${severity} model 'm'`);
    expect(found).toContain(problem);
  });

  it('counts the threads of the instances against the processors', async () => {
    const found = await ofRepository({
      'm/config.pbtxt': 'backend: "onnxruntime"\ninstance_group [ { count: 3 kind: KIND_CPU } ]\n',
      'm/1/model.onnx': addSubModel('FLOAT', [4]),
    });
    expect(found).toEqual([
      "warning model 'm': 3 instances with 4 threads each want 12 processors, and there are 4 → give it the parameter intra_op_thread_count: 1, or lower the count of its instance_group",
    ]);
  });

  it('weighs the files of the models against the memory', async () => {
    const files = {
      'm/config.pbtxt': identityWith(''),
      'm/1/weights.bin': new Uint8Array(megabyte),
    };
    const found = await ofRepository(files, { ...soundMachine, memoryBytes: megabyte });
    expect(found[0]).toContain('warning memory: only 1 MB');
    expect(found[1]).toContain("warning memory: the models' files hold 2 MB, and 1 MB");
  });

  it('tells packages that a Python model imports and its interpreter lacks', async () => {
    const file = `import os
import no_such_package_of_nereid.part
try:
    import another_missing_package
except ImportError:
    pass
class TritonPythonModel: pass
`;
    const [found] = await ofRepository({
      'm/config.pbtxt': `backend: "python"\ninput ${vector('I')}\noutput ${vector('O')}\n`,
      'm/1/model.py': file,
    });
    expect(found).toContain("error model 'm': it imports 'no_such_package_of_nereid'");
    expect(found).not.toContain('another_missing_package');
  });

  it.each([
    [
      'an environment of its own',
      'parameters { key: "EXECUTION_ENV_PATH" value { string_value: "/e" } }',
      '',
    ],
    ['requirements', '', 'no-such-package-of-nereid'],
  ])('does not look for the imports of a model with %s', async (_, parameters, requirements) => {
    const path = repositoryOf({
      'm/config.pbtxt': `backend: "python"\ninput ${vector('I')}\noutput ${vector('O')}\n${parameters}`,
      'm/1/model.py': 'import no_such_package_of_nereid',
      ...(requirements === '' ? {} : { 'm/requirements.txt': requirements }),
    });
    const { findings } = await findingsOf([`--model-repository=${path}`, '--no-load', ...noPorts]);
    expect(findings.map(({ problem }) => problem).filter((text) => /import/.test(text))).toEqual(
      [],
    );
  });

  it('tells an interpreter that is not there', async () => {
    const path = repositoryOf({ 'm/config.pbtxt': 'backend: "python"\n', 'm/1/model.py': 'x = 1' });
    const { findings } = await findingsOf([
      `--model-repository=${path}`,
      '--no-load',
      '--backend-config=python,python-runtime=/no/such/python',
      ...noPorts,
    ]);
    expect(findings[0]?.problem).toContain("its interpreter '/no/such/python' cannot be run");
  });

  it('tells ports that are taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    try {
      const { findings, status } = await findingsOf([
        `--model-repository=${repositoryOf({ 'm/config.pbtxt': identityWith(''), 'm/1/': '' })}`,
        '--http-address=127.0.0.1',
        `--http-port=${port}`,
        '--allow-grpc=false',
        '--allow-metrics=false',
      ]);
      expect(findings[0]).toMatchObject({ severity: 'error', subject: 'ports' });
      expect(findings[0]?.problem).toContain(`127.0.0.1:${port} is in use`);
      expect(status).toBe(1);
    } finally {
      other.close();
    }
  });

  it('tells a command line that cannot be, and its own', async () => {
    const { findings, status } = await findingsOf(['--no-such-flag=1']);
    expect(findings[0]).toMatchObject({ severity: 'error', subject: 'command line' });
    expect(status).toBe(1);
    expect((await doctor(['--url'], {}, soundMachine)).status).toBe(3);
    expect((await doctor(['--help'], {}, soundMachine)).output).toContain('Usage: nereid doctor');
  });

  it('tells that no server answers', async () => {
    const { findings } = await findingsOf(['--url=http://127.0.0.1:1']);
    expect(findings[0]?.problem).toContain('http://127.0.0.1:1 does not answer');
  });

  it('prints nothing that a terminal would obey', async () => {
    const path = repositoryOf({
      'm\u001b[31m/config.pbtxt': 'nonsense: 1\n',
      'm\u001b[31m/1/': '',
    });
    const { output } = await doctor([`--model-repository=${path}`, ...noPorts], {}, soundMachine);
    expect(output).not.toContain('\u001b');
  });
});
