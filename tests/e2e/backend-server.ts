import { spawnSync } from 'node:child_process';
import { ServerProcess } from '@nereid/test-kit';
import { type Files, temporaryRepository } from './temporary-repository.ts';
import { control } from './vector-inference.ts';

const started: { server: ServerProcess; remove: () => void }[] = [];

/** For the end of a test file: its servers and their repositories. */
export async function stopServers(): Promise<void> {
  for (const { server, remove } of started.splice(0)) {
    await server.stop();
    remove();
  }
}

/**
 * A server that has loaded no model yet.
 * @param prepare is given the folder of the repository before the server is started
 */
export async function serve(
  files: Files,
  flags: readonly string[],
  prepare: (repository: string) => void = () => {},
): Promise<ServerProcess> {
  const repository = temporaryRepository(files);
  prepare(repository.path);
  const server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--strict-readiness=false',
      ...flags,
    ],
  });
  started.push({ server, remove: repository.remove });
  return server;
}

/** @returns the server's error, '' for none */
export function load(server: ServerProcess, model: string): Promise<string> {
  return control(server.url, model, 'load');
}

type Values = Readonly<Record<string, readonly (number | string)[]>>;

/** Inputs of FP32, or strings, of one row each. @returns the data of the outputs by name, or the server's error */
export async function infer(
  server: ServerProcess,
  model: string,
  inputs: Values,
): Promise<unknown> {
  const body = {
    inputs: Object.entries(inputs).map(([name, data]) => ({
      name,
      shape: [1, data.length],
      datatype: typeof data[0] === 'string' ? 'BYTES' : 'FP32',
      data,
    })),
  };
  const answer = await fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  const json = (await answer.json()) as {
    error?: string;
    outputs?: { name: string; data: number[] }[];
  };
  if (json.outputs === undefined) return json.error;
  return Object.fromEntries(json.outputs.map(({ name, data }) => [name, data]));
}

/** Runs a script, as the tools of a framework that write its models. */
export function runScript(python: string, script: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(python, ['-c', script, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}
