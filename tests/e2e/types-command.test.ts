import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkout, exampleModels } from './checkout.ts';
import { runCommand } from './run-command.ts';
import { type TemporaryRepository, temporaryRepository } from './temporary-repository.ts';

/** A model with what the metadata does not tell: an input that it can do without. */
const optionalConfig = `backend: "identity"
max_batch_size: 4
input [
  { name: "INPUT0" data_type: TYPE_FP16 dims: [ 3, -1 ] },
  { name: "INPUT1" data_type: TYPE_STRING dims: [ 1 ] optional: true }
]
output [
  { name: "OUTPUT0" data_type: TYPE_FP16 dims: [ 3, -1 ] },
  { name: "OUTPUT1" data_type: TYPE_STRING dims: [ 1 ] }
]
`;

/** Compiles against what was generated: what is wrong must be an error. */
const program = `import { GrpcClient, HttpClient, type InputsOf, tensor } from '@nereid/client';
import type { Models, OptionalInputModel, SimpleModel } from './models.ts';

const client = new HttpClient('localhost:8000');
const ones = new Int32Array(16).fill(1);
const row = tensor('INT32', [1, 16], ones);

const result = await client.infer<SimpleModel>('simple', { INPUT0: row, INPUT1: row });
const sums: Int32Array = result.output('OUTPUT0').data;
const anyBatch = (count: number) => tensor('INT32', [count, 16], new Int32Array(16 * count));
await client.infer<Models['simple']>('simple', { INPUT0: anyBatch(2), INPUT1: anyBatch(2) });
const inputs: InputsOf<SimpleModel> = { INPUT0: row, INPUT1: { region: 'r', byteSize: 64, datatype: 'INT32', shape: [1, 16] } };
await client.infer<SimpleModel>('simple', inputs);
// Nothing is known of these.
await client.infer('simple', { INPUT0: tensor('FP32', [1], [1]) });
let shapeless = result.output('OUTPUT0', 'INT32');
shapeless = tensor('INT32', [1, 16], ones);
await client.infer<SimpleModel>('simple', { INPUT0: shapeless, INPUT1: shapeless });

const half = tensor('FP16', [1, 3, 5], new Float32Array(15));
const text = tensor('BYTES', [1, 1], ['a']);
await client.infer<OptionalInputModel>('optional_input', { INPUT0: half });
await client.infer<OptionalInputModel>('optional_input', { INPUT0: half, INPUT1: text });
for await (const answer of new GrpcClient('localhost:8001').inferStream<OptionalInputModel>('optional_input', { INPUT0: half })) {
  const bits: Uint16Array = answer.output('OUTPUT0').data;
  const texts: Uint8Array[] = answer.output('OUTPUT1').data;
  void [bits, texts];
}

// @ts-expect-error an input is missing
await client.infer<SimpleModel>('simple', { INPUT0: row });
// @ts-expect-error there is no such input
await client.infer<SimpleModel>('simple', { INPUT0: row, INPUT1: row, INPUT2: row });
// @ts-expect-error another data type
await client.infer<SimpleModel>('simple', { INPUT0: row, INPUT1: tensor('FP32', [1, 16], []) });
// @ts-expect-error another shape
await client.infer<SimpleModel>('simple', { INPUT0: row, INPUT1: tensor('INT32', [1, 15], []) });
// @ts-expect-error another number of dimensions
await client.infer<SimpleModel>('simple', { INPUT0: row, INPUT1: tensor('INT32', [16], ones) });
// @ts-expect-error another model
await client.infer<SimpleModel>('digits', { INPUT0: row, INPUT1: row });
// @ts-expect-error there is no such output
result.output('OUTPUT2');
// @ts-expect-error another typed array
const wrong: Float32Array = result.output('OUTPUT0').data;
// @ts-expect-error no data type
tensor('FLOAT', [1], [1]);
// @ts-expect-error text is no number
tensor('FP32', [1], ['1']);
void [sums, wrong];
`;

let repository: TemporaryRepository;
let server: ServerProcess;
let folder: string;

beforeAll(async () => {
  repository = temporaryRepository({
    'optional_input/config.pbtxt': optionalConfig,
    'optional_input/1/': '',
  });
  server = await ServerProcess.start({
    flags: [`--model-repository=${exampleModels}`, `--model-repository=${repository.path}`],
  });
  // Within the checkout, where the compiler finds the client.
  folder = mkdtempSync(join(checkout, '.cache', 'types-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  expect((await server?.stop())?.status).toBe(0);
  repository?.remove();
});

function types(...argv: string[]): Promise<{ status: number | null; output: string }> {
  return runCommand('node', [join(checkout, 'packages/server/bin/nereid.js'), 'types', ...argv]);
}

describe('nereid types', () => {
  const file = (): string => join(folder, 'models.ts');

  it('writes the same of all models over HTTP and gRPC', async () => {
    const http = await types('--all', '--url', server.url, '-o', file());
    expect(http.output).toMatch(/^wrote \S+models\.ts: \d+ models\n$/u);
    expect(http.status).toBe(0);
    const grpc = await types('--all', '--url', `grpc://127.0.0.1:${server.grpcPort}`);
    expect(grpc.output).toBe(readFileSync(file(), 'utf8'));
    expect(grpc.output).toContain("readonly INPUT1?: TensorOf<'BYTES', [-1, 1]>;");
  });

  it('writes what a program is checked against', async () => {
    writeFileSync(join(folder, 'program.ts'), program);
    const compilerOptions = { noEmit: true, isolatedDeclarations: false, declaration: false };
    const tsconfig = { extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
    const compiler = join(checkout, 'node_modules', '.bin', 'tsc');
    const { status, output } = await runCommand(compiler, ['-p', folder]);
    expect(output).toBe('');
    expect(status).toBe(0);
  });

  it('tells when a file is not up to date', async () => {
    const check = ['--check', '-o', file(), '--url', server.url];
    expect(await types('--all', ...check)).toMatchObject({ status: 0, output: '' });
    const changed = await types('digits', ...check);
    expect(changed.status).toBe(1);
    expect(changed.output).toContain('is not what the server serves');
  });

  it.each([
    [['nowhere'], 4, "'nowhere'"],
    [[], 2, 'Name them, or give --all'],
    [['digits', '--all'], 2, 'not both'],
    [['digits', '--check'], 2, 'name it with -o'],
    [['digits', '--url', 'http://127.0.0.1:1'], 3, 'no answer from http://127.0.0.1:1'],
  ])('ends %j with %i', async (argv, status, text) => {
    const end = await types('--url', server.url, ...argv);
    expect(end.output).toContain(text);
    expect(end.status).toBe(status);
  });
});
