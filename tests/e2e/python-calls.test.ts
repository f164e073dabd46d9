import { ServerProcess } from '@nereid/test-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonConfig, pythonModel, pythonRuntimeFlag } from './python-models.ts';
import { modelFiles, temporaryRepository } from './temporary-repository.ts';
import { control as controlModel, inferData } from './vector-inference.ts';

const call = (model: string, extra = ''): string =>
  `pb_utils.InferenceRequest(model_name="${model}", requested_output_names=["Y"], inputs=[pb_utils.Tensor("X", x)]${extra})`;
const output = (response: string): string =>
  `pb_utils.get_output_tensor_by_name(${response}, "Y").as_numpy()`;

const models: Record<string, readonly [config: string, code: string]> = {
  double: [pythonConfig(), pythonModel('y = x * 2')],
  callee_two: [pythonConfig(), pythonModel('y = x + 100')],
  bls: [pythonConfig(), pythonModel(`y = ${output(`${call('double')}.exec()`)}`)],
  bls_async: [
    pythonConfig(),
    pythonModel(`one, two = await asyncio.gather(${call('double')}.async_exec(), ${call('callee_two')}.async_exec())
y = ${output('one')} + ${output('two')}`).replace('def execute', 'async def execute'),
  ],
  bls_missing: [
    pythonConfig(),
    pythonModel(`answer = ${call('nowhere')}.exec()
raise ValueError(answer.error().message())`),
  ],
  counting: [
    pythonConfig('model_transaction_policy { decoupled: true }'),
    `import threading
import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        for r in requests:
            threading.Thread(target=self.count, args=(r.get_response_sender(), r.inputs()[0].as_numpy())).start()

    def count(self, sender, x):
        for i in range(int(x[0])):
            sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("Y", np.array([i], dtype=np.int32))]))
        sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
`,
  ],
  bls_decoupled: [
    pythonConfig(),
    pythonModel(`parts = [a for a in ${call('counting')}.exec(decoupled=True) if a.output_tensors()]
y = np.concatenate([${output('a')} for a in parts])`),
  ],
  later: [
    pythonConfig(),
    `import threading, time
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        for r in requests:
            threading.Thread(target=self.answer, args=(r.get_response_sender(), r.inputs()[0].as_numpy())).start()

    def answer(self, sender, x):
        time.sleep(0.05)
        sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("Y", x)]), pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
`,
  ],
  pair: [
    pythonConfig('model_transaction_policy { decoupled: true }'),
    `import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.waiting = []

    def execute(self, requests):
        # Answers two requests when it has both.
        self.waiting += [(r.get_response_sender(), r.inputs()[0].as_numpy()) for r in requests]
        if len(self.waiting) < 2:
            return
        for sender, x in self.waiting:
            sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("Y", x)]), pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        self.waiting = []
`,
  ],
  bls_async_decoupled: [
    pythonConfig(),
    pythonModel(`async def one():
    return [${output('a')} for a in await ${call('pair')}.async_exec(decoupled=True)]
async def other():
    await ${call('double')}.async_exec()
    return await one()
y = np.concatenate([part for parts in await asyncio.gather(one(), other()) for part in parts])`).replace(
      'def execute',
      'async def execute',
    ),
  ],
  asked_to_end: [
    pythonConfig('model_transaction_policy { decoupled: true }'),
    `import threading
import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        for r in requests:
            threading.Thread(target=self.answer, args=(r.get_response_sender(),)).start()

    def answer(self, sender):
        # Ends two answers after it was asked to, an error among them.
        after = 0
        while after < 2:
            asked = sender.is_cancelled()
            after += asked
            y = np.array([after], dtype=np.int32)
            sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("Y", y)]))
        sender.send(pb_utils.InferenceResponse(error=pb_utils.TritonError("on the way")))
        y = np.array([-1], dtype=np.int32)
        final = pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL
        sender.send(pb_utils.InferenceResponse([pb_utils.Tensor("Y", y)]), final)
`,
  ],
  asks_to_end: [
    pythonConfig(),
    pythonModel(`answers = ${call('asked_to_end')}.exec(decoupled=True)
got = []
for a in answers:
    got.append(100 if a.has_error() else int(${output('a')}[0]))
    if len(got) == 3:
        answers.cancel()
y = np.array([got[-4:]], dtype=np.int32)`),
  ],
  forks: [
    pythonConfig(),
    pythonModel(`pool = multiprocessing.get_context("fork").Pool(3)
with pool:
    parts = pool.map(ask, [int(value) for value in x])
if os.fork() == 0:
    # Ends as programs do, with destructors.
    sys.exit(0)
os.wait()
y = np.array(parts, dtype=np.int32)`).replace(
      'class Triton',
      `import gc, multiprocessing


def ask(value):
    gc.collect()
    x = np.full(100_000, value, dtype=np.int32)
    pb_utils.Logger.log_info("a child asks for " + str(value))
    answer = ${call('double')}.exec()
    many = ${call('counting').replace('Tensor("X", x)', 'Tensor("X", x[:1])')}.exec(decoupled=True)
    return int(${output('answer')}[-1]) + sum(1 for a in many if a.output_tensors())


class Triton`,
    ),
  ],
  control: [
    pythonConfig(),
    pythonModel(`before = pb_utils.is_model_ready("spare")
pb_utils.load_model("spare")
during = pb_utils.is_model_ready("spare", "1")
pb_utils.unload_model("spare")
try:
    pb_utils.load_model("nowhere")
except pb_utils.TritonModelException as error:
    pb_utils.Logger.log_error("load: " + str(error))
y = np.array([before, during], dtype=np.int32)`),
  ],
  spare: [pythonConfig(), pythonModel('')],
};

const repository = temporaryRepository(
  modelFiles(models, ([config, code]) => ({ 'config.pbtxt': config, '1/model.py': code })),
);
let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: [
      `--model-repository=${repository.path}`,
      '--model-control-mode=explicit',
      '--strict-readiness=false',
      ...['double', 'callee_two', 'counting'].map((name) => `--load-model=${name}`),
      pythonRuntimeFlag(),
    ],
  });
});

afterAll(async () => {
  const { status } = await server.stop();
  repository.remove();
  expect(status).toBe(0);
});

const control = (name: string, verb: 'load' | 'unload'): Promise<string> =>
  controlModel(server.url, name, verb);

const infer = (name: string, data: readonly number[]): Promise<unknown> =>
  inferData(server.url, name, data);

describe('calls between models', () => {
  it.each([
    ['bls', [1, 2], [2, 4]],
    ['bls_async', [1, 2], [103, 106]],
    ['bls_decoupled', [3], [0, 1, 2]],
    ['later', [8], [8]],
    ['control', [0], [0, 1]],
  ])('answers (%s)', async (name, x, y) => {
    expect(await control(name, 'load')).toBe('');
    expect(await Promise.all([infer(name, x), infer(name, x), infer(name, x)])).toEqual(
      name === 'control' ? expect.any(Array) : [y, y, y],
    );
    expect(await infer(name, x)).toEqual(y);
    await control(name, 'unload');
  });

  it('tells the caller what is wrong', async () => {
    await control('bls_missing', 'load');
    expect(await infer('bls_missing', [1])).toContain(
      "Model nowhere - Error when running inference: Failed for execute the inference request. Model 'nowhere' is not ready.",
    );
    await server.logged(/\[control_0_0\] load: Failed to load model: /u);
  });

  it('leaves the event loop free until a decoupled model answers', async () => {
    expect(await control('pair', 'load')).toBe('');
    expect(await control('bls_async_decoupled', 'load')).toBe('');
    expect(await infer('bls_async_decoupled', [5])).toEqual([5, 5]);
  });

  it('answers processes that a model has forked', async () => {
    expect(await control('forks', 'load')).toBe('');
    expect(await infer('forks', [1, 2, 3, 4, 5])).toEqual([3, 6, 9, 12, 15]);
    await server.logged(/\[forks_0_0\] a child asks for 5/u);
    expect(await infer('forks', [6])).toEqual([18]);
    expect(await control('forks', 'unload')).toBe('');
  });

  it('takes what a decoupled model answers after it was asked to end', async () => {
    expect(await control('asked_to_end', 'load')).toBe('');
    expect(await control('asks_to_end', 'load')).toBe('');
    expect(await infer('asks_to_end', [0])).toEqual([1, 2, 100, -1]);
  });

  it('holds no request of a decoupled model up for another', async () => {
    await control('bls_decoupled', 'load');
    const answers = await Promise.all([1, 500, 3].map((count) => infer('bls_decoupled', [count])));
    expect(answers.map((answer) => (answer as number[]).length)).toEqual([1, 500, 3]);
  });
});
