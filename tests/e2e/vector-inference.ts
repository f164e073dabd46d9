import { expect } from 'vitest';

/** What a model answered, or why it did not. */
export interface VectorAnswer {
  readonly status: number;
  /** The server's error, '' for none. */
  readonly error: string;
  readonly data: readonly (number | string)[];
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** An inference over HTTP: X [-1] in, Y out, in JSON. */
export async function inferJson(
  url: string,
  model: string,
  data: readonly (number | string)[],
  options: { readonly signal?: AbortSignal; readonly dataType?: string } = {},
): Promise<VectorAnswer> {
  const answer = await fetch(`${url}/v2/models/${model}/infer`, {
    method: 'POST',
    signal: options.signal ?? null,
    body: JSON.stringify({
      inputs: [{ name: 'X', shape: [data.length], datatype: options.dataType ?? 'INT32', data }],
    }),
  });
  const json = (await answer.json()) as { error?: string; outputs?: VectorAnswer[] };
  const output = json.outputs?.[0];
  return {
    status: answer.status,
    error: json.error ?? '',
    data: output?.data ?? [],
    datatype: output?.datatype ?? '',
    shape: output?.shape ?? [],
  };
}

/** The same. @returns the data of Y, or the server's error */
export async function inferData(
  url: string,
  model: string,
  data: readonly number[],
): Promise<unknown> {
  const answer = await inferJson(url, model, data);
  return answer.error === '' ? answer.data : answer.error;
}

/**
 * Sends `count` numbers in binary form to a model that adds 1 to each, over HTTP, and expects them back.
 */
export async function expectIncremented(url: string, model: string, count: number): Promise<void> {
  const x = Int32Array.from({ length: count }, (_, index) => index * 3 + count);
  const inputs = [
    {
      name: 'X',
      shape: [count],
      datatype: 'INT32',
      parameters: { binary_data_size: x.byteLength },
    },
  ];
  const head = JSON.stringify({ inputs, parameters: { binary_data_output: true } });
  const answer = await fetch(`${url}/v2/models/${model}/infer`, {
    method: 'POST',
    headers: { 'Inference-Header-Content-Length': String(Buffer.byteLength(head)) },
    body: Buffer.concat([Buffer.from(head), Buffer.from(x.buffer)]),
  });
  const body = Buffer.from(await answer.arrayBuffer());
  const headBytes = Number(answer.headers.get('inference-header-content-length'));
  expect([count, body.length - headBytes]).toEqual([count, x.byteLength]);
  const y = new Int32Array(Uint8Array.from(body.subarray(headBytes)).buffer);
  expect(y.every((value, index) => value === (x[index] as number) + 1)).toBe(true);
}

/** Loads or unloads a model. @returns the server's error, '' for none */
export async function control(
  url: string,
  model: string,
  verb: 'load' | 'unload',
): Promise<string> {
  const answer = await fetch(`${url}/v2/repository/models/${model}/${verb}`, { method: 'POST' });
  return answer.text();
}
