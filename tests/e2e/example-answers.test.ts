import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleInputs, exampleModels } from './checkout.ts';
import { expectAnswer, type JsonAnswer } from './json-answer.ts';

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.start({ flags: [`--model-repository=${exampleModels}`] });
});
afterAll(async () => {
  expect((await server?.stop())?.status).toBe(0);
});

const models = readdirSync(exampleModels).sort();
/** Files of requests by how they end, with the endpoint that takes them. */
const endpoints = new Map([
  ['.request.json', 'infer'],
  // For models that may answer more than once.
  ['.generate.json', 'generate'],
]);

it('has an example request for every model', () => {
  expect(readdirSync(exampleInputs).sort()).toEqual(models);
});

describe.each(models)('%s answers as documented', (model) => {
  const folder = join(exampleInputs, model);
  const cases = [...endpoints].flatMap(([suffix, endpoint]) =>
    readdirSync(folder)
      .filter((file) => file.endsWith(suffix))
      .map((file) => ({ file, endpoint, suffix })),
  );

  it.each(cases)('$file', async ({ file, endpoint, suffix }) => {
    const response = await fetch(`${server.url}/v2/models/${model}/${endpoint}`, {
      method: 'POST',
      body: readFileSync(join(folder, file)),
    });
    const answer = (await response.json()) as JsonAnswer;
    expect(response.status, JSON.stringify(answer)).toBe(200);
    const expected = readFileSync(join(folder, file.replace(suffix, '.expected.json')), 'utf8');
    if (endpoint === 'generate') expect(answer).toEqual(JSON.parse(expected));
    else expectAnswer(answer, JSON.parse(expected) as JsonAnswer);
  });
});

it('reads each of the ten pictures, also when they arrive one by one and together', async () => {
  const file = join(exampleInputs, 'digits', 'all-ten.request.json');
  const { inputs } = JSON.parse(readFileSync(file, 'utf8')) as { inputs: [{ data: number[] }] };
  const answers = await Promise.all(
    Array.from({ length: 10 }, async (_, digit) => {
      const data = inputs[0].data.slice(digit * 64, digit * 64 + 64);
      const response = await fetch(`${server.url}/v2/models/digits/infer`, {
        method: 'POST',
        body: JSON.stringify({
          inputs: [{ name: 'image', datatype: 'FP32', shape: [1, 1, 8, 8], data }],
        }),
      });
      const { outputs } = (await response.json()) as JsonAnswer;
      const scores = outputs[0]?.data as number[];
      return scores.indexOf(Math.max(...scores));
    }),
  );
  expect(answers).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
