/**
 * Claims: reading a repeated binary request and writing a small response cost at most 2 µs each, and
 * floats in JSON become tensors at 80 MB/s or more. Each codec stands beside JSON.parse or
 * JSON.stringify of the same body, in the same rounds; times are CPU time of this process.
 */
import {
  decodeInferRequest,
  encodeInferResponse,
  type InferRequestContext,
  type Tensor,
} from '@nereid/protocol';
import { compareCallCost } from '../harness/call-cost.ts';
import { printVerdict } from '../harness/claim-report.ts';
import { spreadOf } from '../harness/spread.ts';

const largeElements = 100_000;

const context: InferRequestContext = {
  modelName: 'simple',
  inputBytesMax: 64 * 1024 * 1024,
  sharedMemory() {
    throw new Error('no shared memory here');
  },
};
const head = { modelName: 'simple', modelVersion: '1', id: '', parameters: new Map() };

function inputJson(
  name: string,
  datatype: string,
  shape: number[],
  values: readonly unknown[],
): object {
  return { name, shape, datatype, data: values };
}

function smallRequests(): void {
  const names = ['INPUT0', 'INPUT1'];
  const inputs = names.map((name) => ({
    name,
    shape: [1, 16],
    datatype: 'INT32',
    parameters: { binary_data_size: 64 },
  }));
  const outputs = ['OUTPUT0', 'OUTPUT1'].map((name) => ({
    name,
    parameters: { binary_data: true },
  }));
  const header = Buffer.from(JSON.stringify({ inputs, outputs }));
  const body = Buffer.concat([header, Buffer.alloc(128)]);
  const values = Array.from({ length: 16 }, (_, i) => i);
  const json = Buffer.from(
    JSON.stringify({ inputs: names.map((name) => inputJson(name, 'INT32', [1, 16], values)) }),
  );
  let id = 0;
  const [, repeated] = compareCallCost('decode two inputs INT32 [1,16]', [
    { name: 'JSON.parse of the JSON request', run: () => JSON.parse(json.toString()) },
    {
      name: 'binary, repeated header',
      run: () => decodeInferRequest(body, header.length, context),
    },
    {
      name: 'binary, new header each time',
      run: () => {
        const fresh = Buffer.from(`{"id":"${id++}",${header.toString('latin1', 1)}`);
        return decodeInferRequest(
          Buffer.concat([fresh, body.subarray(header.length)]),
          fresh.length,
          context,
        );
      },
    },
    { name: 'JSON', run: () => decodeInferRequest(json, json.length, context) },
  ]) as [number[], number[]];
  printVerdict('decode a repeated binary request', spreadOf(repeated), { atMost: 2 }, ' µs');
}

function smallResponses(): void {
  const outputs = ['OUTPUT0', 'OUTPUT1'].map(
    (name): Tensor => ({ name, dataType: 'INT32', shape: [1, 16], data: new Uint8Array(64) }),
  );
  const plain = {
    model_name: 'simple',
    model_version: '1',
    outputs: outputs.map(({ name, shape }) =>
      inputJson(name, 'INT32', [...shape], new Array(16).fill(0)),
    ),
  };
  const [, binary, json] = compareCallCost('encode two outputs INT32 [1,16]', [
    { name: 'JSON.stringify of the JSON response', run: () => Buffer.from(JSON.stringify(plain)) },
    { name: 'binary', run: () => encodeInferResponse(head, outputs, () => 'binary') },
    { name: 'JSON', run: () => encodeInferResponse(head, outputs, () => 'json') },
  ]) as [number[], number[], number[]];
  printVerdict('encode a binary response', spreadOf(binary), { atMost: 2 }, ' µs');
  printVerdict('encode a JSON response', spreadOf(json), { atMost: 2 }, ' µs');
}

/** Megabytes of JSON a second at these costs. */
function throughputs(byteLength: number, costs: readonly number[]): number[] {
  return costs.map((microseconds) => byteLength / microseconds);
}

function largeTensors(): void {
  const random = Array.from({ length: largeElements }, () => Math.random() * 100);
  const contents: readonly [string, string, readonly unknown[]][] = [
    ['floats of 17 digits', 'FP32', random],
    ['floats of 6 digits', 'FP32', random.map((value) => Number(value.toFixed(4)))],
    ['doubles of 17 digits', 'FP64', random],
    ['integers', 'INT32', random.map((value) => Math.trunc(value * 10_000))],
    ['64-bit integers', 'INT64', random.map((value) => Math.trunc(value * 1e9))],
    ['strings', 'BYTES', random.map((value) => `text ${value}`)],
  ];
  for (const [what, dataType, values] of contents) {
    const input = inputJson('I', dataType, [values.length], values);
    const body = Buffer.from(JSON.stringify({ inputs: [input] }));
    const title = `decode ${values.length} ${what} (${dataType}, ${body.length} bytes of JSON)`;
    const [, decode] = compareCallCost(title, [
      { name: 'JSON.parse', run: () => JSON.parse(body.toString()) },
      { name: 'decode', run: () => decodeInferRequest(body, body.length, context) },
    ]) as [number[], number[]];
    if (dataType !== 'FP32') continue;
    printVerdict(
      `decode ${what}`,
      spreadOf(throughputs(body.length, decode)),
      { atLeast: 80 },
      ' MB/s',
    );
  }
  const data = new Uint8Array(Float32Array.from(random).buffer);
  const output: Tensor = { name: 'O', dataType: 'FP32', shape: [largeElements], data };
  const widened = [...Float32Array.from(random)];
  compareCallCost(`encode ${largeElements} floats`, [
    { name: 'JSON.stringify', run: () => Buffer.from(JSON.stringify(widened)) },
    { name: 'encode', run: () => encodeInferResponse(head, [output], () => 'json') },
  ]);
}

smallRequests();
smallResponses();
largeTensors();
