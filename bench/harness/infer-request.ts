import type { HttpAnswer } from './keep-alive-client.ts';

/** An input as it goes over the wire. */
export interface BinaryInput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** An inference with binary tensor data both ways, as the clients of Triton send it. */
export interface BinaryInference {
  readonly path: string;
  /** Content-Type and the length of the JSON in front of the tensor data; not Content-Length. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** @param outputs Names of those that are wanted; all by default. */
export function binaryInference(
  model: string,
  inputs: readonly BinaryInput[],
  outputs: readonly string[] = [],
): BinaryInference {
  const json = Buffer.from(
    JSON.stringify({
      inputs: inputs.map(({ name, datatype, shape, data }) => ({
        name,
        shape,
        datatype,
        parameters: { binary_data_size: data.byteLength },
      })),
      ...(outputs.length === 0 ? {} : { outputs: outputs.map((name) => ({ name })) }),
      parameters: { binary_data_output: true },
    }),
  );
  return {
    path: `/v2/models/${model}/infer`,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Inference-Header-Content-Length': String(json.length),
    },
    body: Buffer.concat([json, ...inputs.map(({ data }) => data)]),
  };
}

/** A whole POST request. */
export function postBytes({ path, headers, body }: BinaryInference): Buffer {
  const lines = Object.entries({ ...headers, 'Content-Length': String(body.length) });
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** The tensor data of an answer: what follows its JSON. Throws, with the body, when it is no success. */
export function binaryAnswer({ status, head, body }: HttpAnswer): Buffer {
  if (status !== 200) throw new Error(`status ${status}: ${body.toString()}`);
  const found = /inference-header-content-length: *(\d+)/iu.exec(head);
  if (found === null) throw new Error('the answer holds no binary data');
  return body.subarray(Number(found[1]));
}

/** Two vectors of sixteen integers for `simple` of the example models: it adds and subtracts them. */
export function simpleInference(): BinaryInference {
  const values = (at: (index: number) => number): Uint8Array =>
    new Uint8Array(Int32Array.from({ length: 16 }, (_, index) => at(index)).buffer);
  return binaryInference('simple', [
    { name: 'INPUT0', datatype: 'INT32', shape: [1, 16], data: values((index) => index) },
    { name: 'INPUT1', datatype: 'INT32', shape: [1, 16], data: values(() => 1) },
  ]);
}

/** Throws unless this is the answer to `simpleInference`: index + 1 and index - 1. */
export function checkSimpleAnswer(answer: HttpAnswer): void {
  const data = binaryAnswer(answer);
  for (let index = 0; index < 16; index += 1) {
    const [sum, difference] = [data.readInt32LE(index * 4), data.readInt32LE(64 + index * 4)];
    if (sum !== index + 1 || difference !== index - 1) {
      throw new Error(`simple answered ${sum} and ${difference} for ${index} and 1`);
    }
  }
}
