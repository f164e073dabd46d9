import { afterAll, describe, expect, it } from 'vitest';
import { infer, load, serve, stopServers } from './backend-server.ts';
import { pythonRuntimeFlag } from './python-models.ts';
import { temporaryRepository } from './temporary-repository.ts';

afterAll(stopServers);

describe('backends in Python', () => {
  it.each([
    ['openvino', 'model.xml', 'openvino'],
    ['pytorch', 'model.pt', 'torch'],
    ['tensorflow', 'model.savedmodel/saved_model.pb', 'tensorflow'],
    ['tensorrt', 'model.plan', 'tensorrt'],
    ['vllm', 'model.json', 'vllm'],
  ])('say which package is missing (%s)', async (backend, file, pack) => {
    const io =
      backend === 'vllm'
        ? ''
        : 'input [ { name: "x" data_type: TYPE_FP32 dims: [ 1 ] } ] output [ { name: "y" data_type: TYPE_FP32 dims: [ 1 ] } ]';
    const server = await serve(
      { 'm/config.pbtxt': `backend: "${backend}" ${io}`, [`m/1/${file}`]: '{}' },
      [pythonRuntimeFlag()],
    );
    expect(await load(server, 'm')).toMatch(
      new RegExp(
        `the ${backend} backend needs the Python package '${pack}' .*-m pip install ${pack}`,
        'u',
      ),
    );
  });

  it('are taken from --backend-directory, before ours', async () => {
    const code = (factor: number): string => `import helper
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.offset = float(open(pb_utils.get_model_dir() + "/model.txt").read())

    def execute(self, requests):
        answer = lambda r: pb_utils.Tensor("y", helper.scaled(r.inputs()[0].as_numpy(), ${factor}) + self.offset)
        return [pb_utils.InferenceResponse([answer(r)]) for r in requests]
`;
    const backends = temporaryRepository({
      'scale/model.py': code(10),
      'scale/helper.py': 'def scaled(x, factor):\n    return (x * factor).astype("float32")\n',
      'openvino/model.py': code(100),
      'openvino/helper.py': 'def scaled(x, factor):\n    return (x * factor).astype("float32")\n',
    });
    const config = (backend: string): string =>
      `backend: "${backend}" runtime: "model.py" input [ { name: "x" data_type: TYPE_FP32 dims: [ 1, 1 ] } ] output [ { name: "y" data_type: TYPE_FP32 dims: [ 1, 1 ] } ]`;
    const server = await serve(
      {
        'a/config.pbtxt': config('scale'),
        'a/1/model.txt': '1',
        'b/config.pbtxt': config('openvino'),
        'b/1/model.txt': '2',
      },
      [`--backend-directory=${backends.path}`, pythonRuntimeFlag()],
    );
    expect([await load(server, 'a'), await load(server, 'b')]).toEqual(['', '']);
    expect(await infer(server, 'a', { x: [3] })).toEqual({ y: [31] });
    expect(await infer(server, 'b', { x: [3] })).toEqual({ y: [302] });
    backends.remove();
  });
});
