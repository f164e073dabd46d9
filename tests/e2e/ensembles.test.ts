import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensurePerfAnalyzer } from '../../tools/perf-analyzer.mjs';
import { pythonRuntimeFlag } from './python-models.ts';
import { runCommand } from './run-command.ts';
import { runPytest } from './run-python.ts';
import {
  identityConfig,
  modelFiles,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const perfAnalyzer = ensurePerfAnalyzer();

const int32 = (name: string, dims: string): string =>
  `{ name: "${name}" data_type: TYPE_INT32 dims: [ ${dims} ] }`;
const map = (field: string, key: string, value: string): string =>
  `${field} { key: "${key}" value: "${value}" }`;
const step = (model: string, input: [string, string], output: [string, string]): string =>
  `step { model_name: "${model}" model_version: -1
    ${map('input_map', ...input)} ${map('output_map', ...output)} }`;
const ensemble = (dims: string, steps: readonly string[]): string =>
  `platform: "ensemble" input [ ${int32('IN', dims)} ] output [ ${int32('OUT', dims)} ]
  ensemble_scheduling { ${steps.join(' ')} }`;

const square = `backend: "square" input [ ${int32('IN', '1')} ] output [ ${int32('OUT', '1')} ]
model_transaction_policy { decoupled: true }`;
const manySteps = [
  step('square', ['IN', 'IN'], ['OUT', 'one']),
  step('step', ['INPUT0', 'one'], ['OUTPUT0', 'OUT']),
];
/** Sends as many answers as it is asked for, and writes down after each how many there are. */
const producer = `import os
import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.sent = os.open(os.path.join(args["model_repository"], "..", "sent"), os.O_CREAT | os.O_RDWR)

    def execute(self, requests):
        for request in requests:
            sender = request.get_response_sender()
            for i in range(int(request.inputs()[0].as_numpy()[0])):
                value = np.array([i], dtype=np.int32)
                sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("OUT", value)]))
                os.pwrite(self.sent, (i + 1).to_bytes(4, "little"), 0)
            sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
`;
/** Takes its time, and answers with how many later answers were sent meanwhile. */
const consumer = `import os, time
import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.sent = os.open(os.path.join(args["model_repository"], "..", "sent"), os.O_CREAT | os.O_RDWR)

    def execute(self, requests):
        time.sleep(0.002)
        sent = int.from_bytes(os.pread(self.sent, 4, 0), "little")
        lead = sent - int(requests[0].inputs()[0].as_numpy()[0])
        return [pb_utils.InferenceResponse([pb_utils.Tensor("OUT", np.array([lead], dtype=np.int32))])]
`;
const pythonStep = (extra = ''): string => `backend: "python"
input [ ${int32('IN', '1')} ] output [ ${int32('OUT', '1')} ]
instance_group [ { kind: KIND_CPU count: 1 } ] ${extra}`;

const alone = (model: string): string =>
  ensemble('-1', [step(model, ['INPUT0', 'IN'], ['OUTPUT0', 'OUT'])]);

let repository: TemporaryRepository;
let server: ServerProcess;

beforeAll(async () => {
  const models: Record<string, string> = {
    step: identityConfig('INT32'),
    only_later: identityConfig('INT32'),
    square,
    chain: ensemble('-1', [
      step('step', ['INPUT0', 'IN'], ['OUTPUT0', 'mid']),
      step('step', ['INPUT0', 'mid'], ['OUTPUT0', 'OUT']),
    ]),
    many: ensemble('1', manySteps),
    limited: ensemble('1', ['max_inflight_requests: 2', ...manySteps]),
    producer: pythonStep('model_transaction_policy { decoupled: true }'),
    consumer: pythonStep(),
    paced: ensemble('1', [
      'max_inflight_requests: 2',
      step('producer', ['IN', 'IN'], ['OUT', 'one']),
      step('consumer', ['IN', 'one'], ['OUT', 'OUT']),
    ]),
    later: alone('only_later'),
    lacking: alone('nowhere'),
  };
  repository = temporaryRepository({
    ...modelFiles(models, (config) => ({ 'config.pbtxt': config, '1/': '' })),
    'producer/1/model.py': producer,
    'consumer/1/model.py': consumer,
  });
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      pythonRuntimeFlag(),
      ...['chain', 'many', 'limited', 'paced'].map((name) => `--load-model=${name}`),
    ],
  });
});

afterAll(async () => {
  expect((await server?.stop())?.status).toBe(0);
  repository?.remove();
});

it('serve plain and decoupled ensembles to tritonclient, and load and unload with their models', async () => {
  const summary = await runPytest('test_ensembles.py', {
    NEREID_URL: `127.0.0.1:${server.port}`,
    NEREID_GRPC_URL: `127.0.0.1:${server.grpcPort}`,
  });
  expect(summary).toMatch(/^\d+ passed/u);
});

const loadReason = perfAnalyzer.available ? '' : ` (skipped: ${perfAnalyzer.reason})`;
it.skipIf(!perfAnalyzer.available)(`tell perf_analyzer of their steps${loadReason}`, async () => {
  if (!perfAnalyzer.available) return;
  const end = await runCommand(
    perfAnalyzer.path,
    [
      ...['-m', 'chain', '-u', `127.0.0.1:${server.port}`, '--shape=IN:4', '-v'],
      ...['--measurement-mode=count_windows', '--measurement-request-count=100'],
      ...['--stability-percentage=999', '--max-trials=10'],
    ],
    perfAnalyzer.env,
  );
  expect(end.status, end.output).toBe(0);
  expect(end.output).toMatch(/Composing models:[\s\S]*step, version/u);
  expect(end.output).toMatch(/throughput: [1-9]/u);
});
