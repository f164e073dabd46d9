import { onnxModel, ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonRuntimeFlag } from './python-models.ts';
import { runPytest } from './run-python.ts';
import {
  modelFiles,
  type TemporaryRepository,
  temporaryRepository,
} from './temporary-repository.ts';

const direct = 'direct { }';
const oldest = 'oldest { max_candidate_sequences: 4 }';

const common = (strategy: string, type: string, resources = ''): string => `max_batch_size: 4
input [ { name: "INPUT" data_type: ${type} dims: [ 1 ] } ]
output [ { name: "OUTPUT" data_type: ${type} dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU count: 1 ${resources} } ]
sequence_batching {
  ${strategy}
  max_sequence_idle_microseconds: 60000000`;

const control = (kind: string, value: string): string =>
  `control_input { name: "${kind}" control { kind: CONTROL_SEQUENCE_${kind} ${value} } }`;
const controls = [
  ...['START', 'END', 'READY'].map((kind) => control(kind, 'int32_false_true: [ 0, 1 ]')),
  control('CORRID', 'data_type: TYPE_UINT64'),
].join('\n  ');

/** OUTPUT is the sum of the sequence's INPUTs. Each instance knows only the sequences that began there. */
const keepingModel = `import numpy as np
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def initialize(self, args):
        self.sums = {}

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        value = lambda name: int(pb_utils.get_input_tensor_by_name(request, name).as_numpy()[0, 0])
        if not value("READY"):
            return pb_utils.InferenceResponse([])
        if value("START"):
            self.sums[value("CORRID")] = 0
        if value("CORRID") not in self.sums:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError("a stranger"))
        self.sums[value("CORRID")] += value("INPUT")
        output = np.array([[self.sums[value("CORRID")]]], np.int32)
        if value("END"):
            del self.sums[value("CORRID")]
        return pb_utils.InferenceResponse([pb_utils.Tensor("OUTPUT", output)])
`;

/** The same sum with the state that the server keeps. */
const addingModel = onnxModel({
  nodes: [
    { op: 'Add', inputs: ['BEFORE', 'INPUT'], outputs: ['OUTPUT'] },
    { op: 'Identity', inputs: ['OUTPUT'], outputs: ['AFTER'] },
  ],
  inputs: ['INPUT', 'BEFORE'].map((name) => ({ name, type: 'FLOAT', shape: ['N', 1] })),
  outputs: ['OUTPUT', 'AFTER'].map((name) => ({ name, type: 'FLOAT', shape: ['N', 1] })),
});
const state = `state {
    input_name: "BEFORE" output_name: "AFTER" data_type: TYPE_FP32 dims: [ 1 ]
    initial_state { name: "zero" data_type: TYPE_FP32 dims: [ 1 ] zero_data: true }
  }`;

const rateLimit = ['--rate-limit=execution_count', '--rate-limit-resource=R:2'];
const allModels = ['keeping_direct', 'keeping_oldest', 'adding_direct', 'adding_oldest'];

describe.each([
  ['', [], allModels],
  [' with a rate limiter', rateLimit, ['keeping_oldest', 'adding_direct']],
] as const)('instances of sequence models that change%s', (_, flags, models) => {
  let repository: TemporaryRepository;
  let server: ServerProcess;

  beforeAll(async () => {
    const resources = 'rate_limiter { resources [ { name: "R" count: 1 } ] }';
    const needs = flags.length > 0 ? resources : '';
    repository = temporaryRepository({
      ...modelFiles({ keeping_direct: direct, keeping_oldest: oldest }, (strategy) => ({
        'config.pbtxt': `backend: "python" ${common(strategy, 'TYPE_INT32', needs)} ${controls} }`,
        '1/model.py': keepingModel,
      })),
      ...modelFiles({ adding_direct: direct, adding_oldest: oldest }, (strategy) => ({
        'config.pbtxt': `backend: "onnxruntime" ${common(strategy, 'TYPE_FP32', needs)} ${state} }`,
        '1/model.onnx': addingModel,
      })),
    });
    server = await ServerProcess.start({
      flags: [
        `--model-repository=${repository.path}`,
        ...['--model-control-mode=explicit', '--load-model=*', pythonRuntimeFlag(), ...flags],
      ],
    });
  });
  afterAll(async () => {
    expect((await server?.stop())?.status).toBe(0);
    repository?.remove();
  });

  it('leave the sequences of tritonclient as they are', async () => {
    const output = await runPytest('test_sequence_instances.py', {
      NEREID_GRPC_URL: `127.0.0.1:${server.grpcPort}`,
      NEREID_MODEL_NAMES: models.join(),
    });
    expect(output).toMatch(/^\d+ passed/u);
    expect(server.log).not.toContain('unloaded');
    expect(server.log).not.toContain('failed to end');
  });
});
