import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleInputs, exampleModels } from './checkout.ts';
import {
  connectClient,
  grpcJsClient,
  type InferRequestJson,
  type NodeAnswer,
  type NodeClient,
} from './grpc-node-clients.ts';
import { identityConfig, temporaryRepository } from './temporary-repository.ts';

interface HttpTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}

interface HttpRequest {
  readonly inputs: readonly HttpTensor[];
  readonly outputs?: readonly {
    readonly name: string;
    readonly parameters?: { readonly classification?: number };
  }[];
}

const slow = temporaryRepository({
  'slow/config.pbtxt': identityConfig(
    'INT32',
    'parameters { key: "execute_delay_ms" value { string_value: "60000" } }',
  ),
  'slow/1/': '',
});
let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${exampleModels}`,
      `--model-repository=${slow.path}`,
      '--exit-timeout-secs=1',
    ],
  });
});
afterAll(async () => {
  expect((await server?.stop())?.status).toBe(0);
  slow.remove();
});

const contentsOf: Readonly<Record<string, string>> = {
  FP32: 'fp32Contents',
  INT32: 'intContents',
  BYTES: 'bytesContents',
};

/** The same request as protobuf's JSON form has it. */
function grpcRequest(modelName: string, { inputs, outputs }: HttpRequest): InferRequestJson {
  return {
    modelName,
    inputs: inputs.map(({ name, datatype, shape, data }) => ({
      name,
      datatype,
      shape: shape.map(String),
      contents: {
        [contentsOf[datatype] as string]: data.map((element) =>
          typeof element === 'string' ? Buffer.from(element).toString('base64') : element,
        ),
      },
    })),
    outputs: (outputs ?? []).map(({ name, parameters }) => ({
      name,
      parameters:
        parameters?.classification === undefined
          ? {}
          : { classification: { int64Param: String(parameters.classification) } },
    })),
  };
}

/** What HTTP answers, in the form of a gRPC answer: the outputs as binary data. */
async function overHttp(model: string, request: HttpRequest): Promise<NodeAnswer> {
  const response = await fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: JSON.stringify({
      ...request,
      parameters: { binary_data_output: true },
      outputs: request.outputs?.map((output) => ({
        ...output,
        parameters: { ...output.parameters, binary_data: true },
      })),
    }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  expect(response.status, bytes.toString()).toBe(200);
  let at = Number(response.headers.get('inference-header-content-length'));
  const head = JSON.parse(bytes.toString('utf8', 0, at)) as {
    model_name: string;
    outputs: { name: string; datatype: string; shape: number[]; parameters: BinarySize }[];
  };
  const raw = head.outputs.map(({ parameters }) => {
    const start = at;
    at += parameters.binary_data_size;
    return bytes.subarray(start, at);
  });
  return {
    modelName: head.model_name,
    outputs: head.outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    rawOutputContents: raw,
  };
}

interface BinarySize {
  readonly binary_data_size: number;
}

function comparable({ modelName, outputs, rawOutputContents }: NodeAnswer): unknown {
  const contents = rawOutputContents.map((bytes) => Buffer.from(bytes).toString('base64'));
  return { modelName, outputs, contents };
}

const suffix = '.request.json';
const examples = readdirSync(exampleInputs)
  .sort()
  .flatMap((model) =>
    readdirSync(join(exampleInputs, model))
      .filter((file) => file.endsWith(suffix))
      .map((file) => [model, file] as const),
  );

function example(model: string, file: string): HttpRequest {
  return JSON.parse(readFileSync(join(exampleInputs, model, file), 'utf8')) as HttpRequest;
}

const libraries: readonly (readonly [string, (port: number) => NodeClient])[] = [
  ['grpc-js', grpcJsClient],
  ['connect, gRPC', (port) => connectClient(port, 'grpc')],
  ['connect, gRPC-Web', (port) => connectClient(port, 'grpc-web')],
];

describe.each(libraries)('%s', (library, open) => {
  let client: NodeClient;
  beforeAll(() => {
    client = open(server.grpcPort ?? 0);
  });
  afterAll(() => client.close());

  it.each(examples)('%s answers %s as over HTTP', async (model, file) => {
    const request = example(model, file);
    const answer = await client.infer(grpcRequest(model, request));
    expect(comparable(answer)).toEqual(comparable(await overHttp(model, request)));
  });

  // gRPC-Web has no streams of requests.
  it.runIf(library !== 'connect, gRPC-Web')('streams', async () => {
    const requests = examples
      .filter(([model]) => model === 'simple' || model === 'wine')
      .map(([model, file]) => [model, example(model, file)] as const);
    const answers = await client.stream(
      requests.map(([model, request]) => grpcRequest(model, request)),
    );
    const expected = await Promise.all(
      requests.map(([model, request]) => overHttp(model, request)),
    );
    expect(answers.map(comparable)).toEqual(expected.map(comparable));
  });

  it('hands on errors and deadlines', async () => {
    await expect(client.infer({ modelName: 'none' })).rejects.toThrow(
      "5 Request for unknown model: 'none' is not found",
    );
    const request = grpcRequest('slow', {
      inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [1], data: [1] }],
    });
    await expect(client.infer(request, 200)).rejects.toThrow(/^4 /u);
  });
});
