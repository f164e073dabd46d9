/**
 * Claims: reading a small ModelInferRequest costs at most 1.5 µs and writing its response at most 1 µs.
 * Beside both stands protobufjs doing the same with the messages of our own .proto file, in the same
 * rounds; times are CPU time of this process.
 */
import {
  encodeInferResponseMessage,
  inferRequestOf,
  protoFile,
  readInferRequest,
  type Tensor,
} from '@nereid/protocol';
import protobuf from 'protobufjs';
import { compareCallCost } from '../harness/call-cost.ts';
import { printVerdict } from '../harness/claim-report.ts';
import { spreadOf } from '../harness/spread.ts';

const root = new protobuf.Root();
for (const name of ['model_config.proto', 'grpc_service.proto']) {
  protobuf.parse(protoFile(name) ?? '', root, { keepCase: true });
}
const requestType = root.lookupType('inference.ModelInferRequest');
const responseType = root.lookupType('inference.ModelInferResponse');

const data = Buffer.alloc(64, 7);
const names = ['INPUT0', 'INPUT1'];
const request = Buffer.from(
  requestType
    .encode(
      requestType.fromObject({
        model_name: 'simple',
        inputs: names.map((name) => ({ name, datatype: 'INT32', shape: [1, 16] })),
        outputs: [{ name: 'OUTPUT0' }, { name: 'OUTPUT1' }],
        raw_input_contents: [data, data],
      }),
    )
    .finish(),
);
const context = { sharedMemory: (): Uint8Array => data };
const head = { modelName: 'simple', modelVersion: '1', id: '', parameters: new Map() };
const outputs = ['OUTPUT0', 'OUTPUT1'].map(
  (name): Tensor => ({ name, dataType: 'INT32', shape: [1, 16], data }),
);
const form = { streamError: null, finalResponse: null, inSharedMemory: null };

const [, decode] = compareCallCost('decode two inputs INT32 [1,16]', [
  { name: 'protobufjs', run: () => requestType.decode(request) },
  { name: 'ours, with the rules', run: () => inferRequestOf(readInferRequest(request), context) },
]) as [number[], number[]];
printVerdict('decode a ModelInferRequest', spreadOf(decode), { atMost: 1.5 }, ' µs');

const [, encode] = compareCallCost('encode two outputs INT32 [1,16]', [
  {
    name: 'protobufjs',
    run: () =>
      responseType
        .encode({
          model_name: 'simple',
          model_version: '1',
          outputs: outputs.map(({ name, shape }) => ({ name, datatype: 'INT32', shape })),
          raw_output_contents: [data, data],
        })
        .finish(),
  },
  { name: 'ours', run: () => encodeInferResponseMessage(head, outputs, form) },
]) as [number[], number[]];
printVerdict('encode a ModelInferResponse', spreadOf(encode), { atMost: 1 }, ' µs');
