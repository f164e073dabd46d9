import { runServerToEnd, ServerProcess } from '@nereid/test-kit';
import { afterEach, expect, it } from 'vitest';
import { exampleModels } from './checkout.ts';
import {
  identityConfig,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const repositories: TemporaryRepository[] = [];
afterEach(() => {
  for (const repository of repositories.splice(0)) repository.remove();
});

/** One model that works and one whose file is no ONNX model. */
function halfBroken(): string {
  const repository = temporaryRepository({
    'good/config.pbtxt': identityConfig('INT32'),
    'good/1/': '',
    'broken/config.pbtxt': 'backend: "onnxruntime"\n',
    'broken/1/model.onnx': 'this is not an ONNX model',
  });
  repositories.push(repository);
  return repository.path;
}

/** A stack trace is for people who write the server, not for those who run it. */
const stackFrame = /^\s+at .+:\d+:\d+\)?$/mu;

it('names an unknown flag and ends with status 1', async () => {
  const end = await runServerToEnd({
    flags: [`--model-repository=${exampleModels}`, '--no-such-flag=3'],
  });
  expect(end.status).toBe(1);
  expect(end.output).toContain('--no-such-flag');
  expect(end.output).not.toMatch(stackFrame);
});

it('names a value that a flag cannot have and ends with status 1', async () => {
  const end = await runServerToEnd({
    flags: [`--model-repository=${exampleModels}`, '--http-thread-count=many'],
  });
  expect(end.status).toBe(1);
  expect(end.output).toContain('http-thread-count');
  expect(end.output).not.toMatch(stackFrame);
});

it('asks for a repository when there is none among the flags', async () => {
  const end = await runServerToEnd({ flags: [] });
  expect(end.status).toBe(1);
  expect(end.output).toContain('--model-repository');
  expect(end.output).not.toMatch(stackFrame);
});

it('names a repository that is not there and ends with status 1', async () => {
  const end = await runServerToEnd({ flags: ['--model-repository=/nowhere/at/all'] });
  expect(end.status).toBe(1);
  expect(end.output).toContain('/nowhere/at/all');
  expect(end.output).not.toMatch(stackFrame);
});

it('says why a model failed and ends with status 1', async () => {
  const end = await runServerToEnd({ flags: [`--model-repository=${halfBroken()}`] });
  expect(end.status).toBe(1);
  expect(end.output).toMatch(/failed to load 'broken' version 1/u);
  expect(end.output).toContain('failed to load all models');
  expect(end.output).not.toMatch(stackFrame);
});

it('says which port is taken and ends with status 1', async () => {
  const first = await ServerProcess.start({ flags: [`--model-repository=${exampleModels}`] });
  const end = await runServerToEnd({
    flags: [`--model-repository=${exampleModels}`, `--http-port=${first.port}`],
  });
  expect((await first.stop()).status).toBe(0);
  expect(end.status).toBe(1);
  expect(end.output).toContain(String(first.port));
  expect(end.output).not.toMatch(stackFrame);
});

it('goes on with the models that work when --exit-on-error=false', async () => {
  const server = await ServerProcess.start({
    flags: [`--model-repository=${halfBroken()}`, '--exit-on-error=false'],
    until: 'live',
  });
  const status = async (path: string): Promise<number> =>
    (await fetch(`${server.url}/v2/${path}`)).status;
  expect(await status('health/ready')).toBe(400);
  expect(await status('models/good/ready')).toBe(200);
  expect(await status('models/broken/ready')).not.toBe(200);
  const answer = await fetch(`${server.url}/v2/models/good/infer`, {
    method: 'POST',
    body: '{"inputs":[{"name":"INPUT0","datatype":"INT32","shape":[2],"data":[7,-7]}]}',
  });
  expect(await answer.json()).toMatchObject({ outputs: [{ name: 'OUTPUT0', data: [7, -7] }] });
  expect((await server.stop()).status).toBe(0);
});

it('is ready without its broken models when --strict-readiness=false', async () => {
  const server = await ServerProcess.start({
    flags: [
      `--model-repository=${halfBroken()}`,
      '--exit-on-error=false',
      '--strict-readiness=false',
    ],
  });
  expect((await server.stop()).status).toBe(0);
});

it('prints the tables and the lines that scripts wait for', async () => {
  const server = await ServerProcess.start({ flags: [`--model-repository=${exampleModels}`] });
  await server.logged(/Started HTTPService at 127\.0\.0\.1:\d+/u);
  await server.logged(/Started Metrics Service at 127\.0\.0\.1:\d+/u);
  expect(server.log).toMatch(/\| Model\s+\| Version \| Status/u);
  expect(server.log).toMatch(/\| digits\s+\| 1\s+\| READY/u);
  expect(server.log).toMatch(/\| server_id\s+\| triton/u);
  expect((await server.stop()).status).toBe(0);
});
