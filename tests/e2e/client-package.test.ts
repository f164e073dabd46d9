import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureFreshBuild, ServerProcess } from '@nereid/test-kit';
import { transformSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkout, exampleModels } from './checkout.ts';
import { documentedPrograms, outputShows } from './documented-commands.ts';

const packageFolder = join(checkout, 'packages', 'client');
const tool = (name: string): string => join(checkout, 'node_modules', '.bin', name);

/** Packages as a registry would hold them. The client's types refer to those of the protocol. */
const published = ['protocol', 'client'];

const readme = readFileSync(join(packageFolder, 'README.md'), 'utf8');
const programs = documentedPrograms(readme);

let server: ServerProcess;
/** A project that has installed the client. */
let project: string;

function run(
  command: string,
  argv: readonly string[],
  cwd: string,
): { ok: boolean; output: string } {
  const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(command, argv, { cwd, env, encoding: 'utf8' });
  return { ok: status === 0, output: `${stdout}${stderr}` };
}

/** Packs a package and unpacks it where Node looks for it. */
function install(name: string): void {
  const { ok, output } = run(
    'npm',
    ['pack', '--pack-destination', project],
    join(checkout, 'packages', name),
  );
  expect(ok, output).toBe(true);
  const target = join(project, 'node_modules', '@nereid', name);
  mkdirSync(target, { recursive: true });
  const archive = `nereid-${name}-${version()}.tgz`;
  const unpacked = run('tar', ['-xzf', archive, '--strip-components=1', '-C', target], project);
  expect(unpacked.ok, unpacked.output).toBe(true);
}

function version(): string {
  const text = readFileSync(join(packageFolder, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** The documented addresses, turned to the server of this test. */
function here(text: string): string {
  return text
    .replaceAll('localhost:8000', `127.0.0.1:${server.port}`)
    .replaceAll('localhost:8001', `127.0.0.1:${server.grpcPort}`);
}

beforeAll(async () => {
  ensureFreshBuild();
  const types = run('node', ['tools/build-types.mjs', ...published], checkout);
  expect(types.ok, types.output).toBe(true);
  project = mkdtempSync(join(tmpdir(), 'nereid-client-'));
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  for (const name of published) install(name);
  server = await ServerProcess.start({ flags: [`--model-repository=${exampleModels}`] });
}, 180_000);
afterAll(async () => {
  expect((await server?.stop())?.status).toBe(0);
  rmSync(project, { recursive: true, force: true });
});

describe('the package', () => {
  it.each([
    ['publint', ['--strict']],
    // It is for import alone; Node from 20.19 on can also require it.
    ['attw', ['--pack', '--profile', 'esm-only']],
  ])('passes %s', (name, argv) => {
    const { ok, output } = run(tool(name), argv, packageFolder);
    expect(ok, output).toBe(true);
  });

  it.each(['index', 'browser', 'http', 'grpc-web'])('needs no other package for %s', (entry) => {
    const path = join(packageFolder, 'dist', `${entry}.js`);
    const { ok, output } = run(
      tool('esbuild'),
      [
        path,
        '--bundle',
        '--format=esm',
        '--platform=node',
        '--metafile=/dev/stderr',
        '--outfile=/dev/null',
      ],
      project,
    );
    expect(ok, output).toBe(true);
    expect(output).not.toContain('node_modules');
  });
});

describe('the README', () => {
  it('has types of a model written by the command that it names', () => {
    const command = /^npx nereid (types .*)$/mu.exec(readme)?.[1] ?? '';
    const nereid = join(checkout, 'packages', 'server', 'bin', 'nereid.js');
    const { ok, output } = run('node', [nereid, ...here(command).split(' ')], project);
    expect(ok, output).toBe(true);
  });

  it('has programs that compile', () => {
    for (const { line, source } of programs) {
      writeFileSync(join(project, `line-${line}.ts`), source);
    }
    const options = {
      strict: true,
      noEmit: true,
      target: 'es2022',
      module: 'nodenext',
      allowImportingTsExtensions: true,
      typeRoots: [join(checkout, 'node_modules', '@types')],
      types: ['node'],
    };
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, include: ['*.ts'] }),
    );
    const { ok, output } = run(tool('tsc'), ['-p', project], project);
    expect(ok, output).toBe(true);
  });

  it.each(programs)('line $line runs and prints what it says', ({ line, source, shows }) => {
    const { code } = transformSync(here(source), { loader: 'ts', format: 'esm' });
    const path = join(project, `line-${line}.mjs`);
    writeFileSync(path, code);
    const { ok, output } = run('node', [path], project);
    expect(ok, output).toBe(true);
    expect(shows.length).toBeGreaterThan(0);
    for (const text of shows) {
      expect(outputShows(output, text), `${text}\nis not in\n${output}`).toBe(true);
    }
  });
});
