import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnxModel, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensurePerfAnalyzer } from '../../tools/perf-analyzer.mjs';
import { ensureRealModels } from '../../tools/real-models.mjs';
import { pythonRuntimeFlag } from './python-models.ts';
import { runCommand } from './run-command.ts';
import { runPytest } from './run-python.ts';
import { type TemporaryRepository, temporaryRepository } from './temporary-repository.ts';

const realModels = ensureRealModels();
const perfAnalyzer = ensurePerfAnalyzer();

const int32 = (name: string): string => `name: "${name}" data_type: TYPE_INT32 dims: [ 1 ]`;
const sum = `input [ { ${int32('INPUT')} } ] output [ { ${int32('OUTPUT')} } ]
instance_group [ { kind: KIND_CPU count: 1 } ]`;
const control = (kind: string, value: string): string =>
  `control_input { name: "${kind}" control { kind: CONTROL_SEQUENCE_${kind} ${value} } }`;
const flags = ['START', 'END', 'READY'].map((kind) => control(kind, 'int32_false_true: [ 0, 1 ]'));

/** Clients may be slow: of these only `flooded` forgets a sequence after a second, as where nothing is said of it. */
const patient = 'max_sequence_idle_microseconds: 10000000';

const direct = `backend: "sequence" max_batch_size: 4 ${sum}
parameters { key: "execute_delay_ms" value { string_value: "5" } }
sequence_batching { direct { } ${patient} ${flags[0]} ${flags[2]} }`;

const oldest = (
  type: string,
  idle = patient,
): string => `backend: "dyna_sequence" max_batch_size: 4 ${sum}
sequence_batching {
  oldest { max_candidate_sequences: 2 } ${idle}
  ${flags.join(' ')} ${control('CORRID', `data_type: ${type}`)}
}`;

const iterative = `backend: "iterative_sequence" max_batch_size: 1 ${sum}
model_transaction_policy { decoupled: true }
sequence_batching { iterative_sequence: true }`;

/** OUTPUT is INPUT behind all INPUTs of the sequence, of any length: what a model with a memory does. */
const memory = (strategy: string): string => `backend: "onnxruntime" max_batch_size: 4
input [ { name: "INPUT" data_type: TYPE_FP32 dims: [ -1 ] } ]
output [ { name: "OUTPUT" data_type: TYPE_FP32 dims: [ -1 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
sequence_batching {
  ${strategy} ${patient}
  state {
    input_name: "BEFORE" output_name: "AFTER" data_type: TYPE_FP32 dims: [ -1 ]
    initial_state { name: "first" data_type: TYPE_FP32 dims: [ 2 ] data_file: "first" }
  }
}`;

const memoryModel = onnxModel({
  nodes: [
    {
      op: 'Concat',
      inputs: ['BEFORE', 'INPUT'],
      outputs: ['OUTPUT'],
      attributes: { axis: 1n },
    },
    { op: 'Identity', inputs: ['OUTPUT'], outputs: ['AFTER'] },
  ],
  inputs: ['INPUT', 'BEFORE'].map((name) => ({ name, type: 'FLOAT', shape: ['N', name] })),
  outputs: ['OUTPUT', 'AFTER'].map((name) => ({ name, type: 'FLOAT', shape: ['N', name] })),
});
const first = new Uint8Array(Float32Array.of(-1, -2).buffer);

/** Its client sends pieces of a recording; the server keeps what the model remembers. */
const voice = `backend: "onnxruntime" max_batch_size: 0
input [
  { name: "input" data_type: TYPE_FP32 dims: [ 1, 576 ] },
  { name: "sr" data_type: TYPE_INT64 dims: [ 1 ] }
]
output [ { name: "output" data_type: TYPE_FP32 dims: [ -1, 1 ] } ]
sequence_batching {
  oldest { max_candidate_sequences: 8 } ${patient}
  state {
    input_name: "state" output_name: "stateN" data_type: TYPE_FP32 dims: [ 2, 1, 128 ]
    initial_state { name: "silence" data_type: TYPE_FP32 dims: [ 2, 1, 128 ] zero_data: true }
  }
}`;

/** A Python model that wants each request three times: OUTPUT is INPUT and how often it has seen it. */
const again = `import numpy as np
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def initialize(self, args):
        self.seen = {}

    def execute(self, requests):
        responses = []
        for request in requests:
            id = request.correlation_id()
            self.seen[id] = self.seen.get(id, 0) + 1
            if self.seen[id] < 3:
                request.set_release_flags(pb_utils.TRITONSERVER_REQUEST_RELEASE_RESCHEDULE)
                responses.append(None)
                continue
            value = pb_utils.get_input_tensor_by_name(request, "INPUT").as_numpy()
            output = pb_utils.Tensor("OUTPUT", value + self.seen.pop(id))
            responses.append(pb_utils.InferenceResponse([output]))
        return responses
`;

/** A Python model that answers with its row, and with the number of rows that are only there to fill up. */
const rows = `import numpy as np
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def execute(self, requests):
        ready = [
            int(pb_utils.get_input_tensor_by_name(r, "READY").as_numpy()[0, 0]) for r in requests
        ]
        return [
            pb_utils.InferenceResponse(
                [pb_utils.Tensor("OUTPUT", np.array([[10 * row + ready.count(0)]], np.int32))]
            )
            for row in range(len(requests))
        ]
`;

let repository: TemporaryRepository;
let server: ServerProcess;

beforeAll(async () => {
  repository = temporaryRepository({
    'direct/config.pbtxt': direct,
    'direct/1/': '',
    'oldest/config.pbtxt': oldest('TYPE_UINT64'),
    'oldest/1/': '',
    'flooded/config.pbtxt': oldest('TYPE_UINT64', ''),
    'flooded/1/': '',
    'oldest_text/config.pbtxt': oldest('TYPE_STRING'),
    'oldest_text/1/': '',
    'iterative/config.pbtxt': iterative,
    'iterative/1/': '',
    'again/config.pbtxt': `backend: "python" max_batch_size: 4 ${sum} sequence_batching { iterative_sequence: true }`,
    'again/1/model.py': again,
    'rows/config.pbtxt': `backend: "python" max_batch_size: 4 ${sum} sequence_batching { direct { } ${patient} ${flags.join(' ')} }`,
    'rows/1/model.py': rows,
    'memory_direct/config.pbtxt': memory('direct { }'),
    'memory_direct/1/model.onnx': memoryModel,
    'memory_direct/initial_state/first': first,
    'memory_oldest/config.pbtxt': memory('oldest { max_candidate_sequences: 8 }'),
    'memory_oldest/1/model.onnx': memoryModel,
    'memory_oldest/initial_state/first': first,
  });
  if (realModels.available) {
    const file = join(realModels.repository, 'voice_activity', '1', 'model.onnx');
    repository.write('voice/1/model.onnx', readFileSync(file));
    repository.write('voice/config.pbtxt', voice);
  }
  server = await ServerProcess.start({
    flags: [`--model-repository=${repository.path}`, pythonRuntimeFlag()],
  });
});
afterAll(async () => {
  expect((await server?.stop())?.status).toBe(0);
  repository?.remove();
});

const environment = (): Record<string, string> => ({
  NEREID_URL: `127.0.0.1:${server.port}`,
  NEREID_GRPC_URL: `127.0.0.1:${server.grpcPort}`,
  NEREID_MODELS: repository.path,
});

it('serve sequences to tritonclient over HTTP, gRPC and streams', async () => {
  expect(await runPytest('test_sequences.py', environment())).toMatch(/^\d+ passed/u);
});

const voiceReason = realModels.available ? '' : ` (skipped: ${realModels.reason})`;
it.skipIf(!realModels.available)(
  `hear in a stream of pieces what they hear in the whole recording${voiceReason}`,
  async () => {
    expect(await runPytest('test_voice_stream.py', environment())).toMatch(/^\d+ passed/u);
  },
);

const loadReason = perfAnalyzer.available ? '' : ` (skipped: ${perfAnalyzer.reason})`;
describe.each([
  ['direct', ['--concurrency-range=4']],
  ['oldest', ['-i', 'grpc', '--streaming', '--async', '--concurrency-range=4']],
])('%s', (model, args) => {
  // The server's times are of a moment more than the client's: one request that the machine holds up then makes them longer.
  it.skipIf(!perfAnalyzer.available)(
    `takes sequences of perf_analyzer${loadReason}`,
    { retry: 2 },
    async () => {
      if (!perfAnalyzer.available) return;
      const port = args.includes('grpc') ? server.grpcPort : server.port;
      const end = await runCommand(
        perfAnalyzer.path,
        [
          ...['-m', model, '-u', `127.0.0.1:${port}`, '--sequence-length=10', ...args],
          ...['--measurement-mode=count_windows', '--measurement-request-count=100'],
          ...['--stability-percentage=999', '--max-trials=10'],
        ],
        perfAnalyzer.env,
      );
      expect(end.status, end.output).toBe(0);
      expect(end.output).not.toMatch(/error|failed/iu);
      expect(end.output).toMatch(/throughput: [1-9]/u);
      const figure = (text: RegExp): number => Number(text.exec(end.output)?.[1]);
      const served = figure(
        /Avg request latency: (\d+) usec \(overhead \d+ usec \+ queue \d+ usec/u,
      );
      expect(figure(/Successful request count: (\d+)/u)).toBeGreaterThan(0);
      expect(figure(/\(overhead (\d+) usec/u)).toBeLessThanOrEqual(served);
      expect(served).toBeLessThanOrEqual(figure(/Avg latency: (\d+) usec/u));
    },
  );
});

it('tells how its sequences are batched', async () => {
  const answer = await fetch(`${server.url}/v2/models/oldest/batching`);
  expect(await answer.json()).toMatchObject({ sequences: { slot_count: 2, backlog_count: 0 } });
});

it('survives a flood of sequences that nobody ends', async () => {
  const body = (id: number, start: boolean): string =>
    JSON.stringify({
      parameters: { sequence_id: id, sequence_start: start },
      inputs: [{ name: 'INPUT', datatype: 'INT32', shape: [1, 1], data: [1] }],
    });
  const send = (id: number, start: boolean, signal?: AbortSignal) =>
    fetch(`${server.url}/v2/models/flooded/infer`, {
      method: 'POST',
      body: body(id, start),
      ...(signal === undefined ? {} : { signal }),
    });
  const leave = new AbortController();
  const sent = Array.from({ length: 300 }, (_, i) =>
    send(10_000 + i, true, leave.signal).then(
      () => 'answered',
      () => 'gone',
    ),
  );
  const backlog = async (): Promise<number> => {
    const answer = await fetch(`${server.url}/v2/models/flooded/batching`);
    const { sequences } = (await answer.json()) as { sequences: { backlog_count: number } };
    return sequences.backlog_count;
  };
  await expect.poll(backlog).toBeGreaterThan(200);
  leave.abort();
  await Promise.all(sent);
  await expect.poll(backlog).toBe(0);
  // Slots of those who were answered and never came back are free after a second.
  await expect.poll(async () => (await send(1, true)).status).toBe(200);
});
