import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerProcess } from '@nereid/test-kit';
import { afterAll, describe, expect, it } from 'vitest';
import { ensureTorchEnv } from '../../tools/torch-env.mjs';
import { passedOn, types } from './all-types-model.ts';
import { infer, load, runScript, serve, stopServers } from './backend-server.ts';

const torch = findTorch();

/** One that is there already is used, if it has what PyTorch 2.3 and later have. */
function findTorch(): { readonly python: string | null; readonly reason: string } {
  for (const python of [process.env['NEREID_TORCH_PYTHON'], 'python3', '/usr/bin/python3']) {
    if (python === undefined) continue;
    const look = 'import numpy, torch, torch.export; torch.uint16';
    if (spawnSync(python, ['-c', look]).status === 0) return { python, reason: '' };
  }
  const installed = ensureTorchEnv();
  return installed.available
    ? { python: installed.python, reason: '' }
    : { python: null, reason: installed.reason };
}

afterAll(stopServers);

describe.skipIf(torch.python === null)(`the PyTorch backend (${torch.reason})`, () => {
  const script = `import sys, torch
from typing import Dict, List, Tuple
class AddSub(torch.nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        return a + b, a - b
class Double(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2
class Keyed(torch.nn.Module):
    def forward(self, given: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        return {"sum": given["a"] + given["b"]}
class Nested(torch.nn.Module):
    def forward(self, options, *, k):
        return {"sum": options["x"] + k, "difference": options["x"] - k}
class Types(torch.nn.Module):
    def forward(self, ${types.map((type) => `x${type}: torch.Tensor`).join(', ')}):
        return ${types.map((type) => (type === 'BF16' ? 'xBF16 + xBF16' : `x${type}`)).join(', ')}
class Upper(torch.nn.Module):
    def forward(self, words: List[str]) -> List[str]:
        return [word.upper() for word in words]
root = sys.argv[1]
for name, model in (("indexed", AddSub()), ("named", Double()), ("words", Upper()), ("wrong", Double()), ("ordered", AddSub()), ("keyed", Keyed()), ("types", Types())):
    torch.jit.script(model).save(f"{root}/{name}/1/model.pt")
x, batch = torch.zeros(2, 3), torch.export.Dim.DYNAMIC
shapes = {"options": {"x": {0: batch, 1: batch}}, "k": {0: batch, 1: batch}}
program = torch.export.export(Nested(), ({"x": x},), kwargs={"k": x.clone()}, dynamic_shapes=shapes)
for name in ("exported", "named_export"):
    torch.export.save(program, f"{root}/{name}/1/model.pt2")
`;
  const tensor = (kind: string, name: string, type = 'FP32'): string =>
    `${kind} [ { name: "${name}" data_type: TYPE_${type} dims: [ -1 ] } ]\n`;
  let server: ServerProcess;

  it('runs TorchScript', async () => {
    server = await serve(
      {
        // In another order than the arguments'.
        'indexed/config.pbtxt': `platform: "pytorch_libtorch" max_batch_size: 4 ${tensor('input', 'INPUT__1')}${tensor('input', 'INPUT__0')}${tensor('output', 'OUTPUT__1')}${tensor('output', 'OUTPUT__0')}`,
        'indexed/1/': '',
        'named/config.pbtxt': `backend: "pytorch" max_batch_size: 4 ${tensor('input', 'x')}${tensor('output', 'y')}`,
        'named/1/': '',
        'words/config.pbtxt': `backend: "pytorch" max_batch_size: 4 ${tensor('input', 'words', 'STRING')}${tensor('output', 'y', 'STRING')}`,
        'words/1/': '',
        'wrong/config.pbtxt': `backend: "pytorch" max_batch_size: 4 ${tensor('input', 'x')}${tensor('input', 'nothing')}${tensor('output', 'y')}`,
        'wrong/1/': '',
        'ordered/config.pbtxt': `backend: "pytorch" max_batch_size: 4 ${tensor('input', 'LEFT')}${tensor('input', 'RIGHT')}${tensor('output', 'SUM')}${tensor('output', 'DIFFERENCE')}`,
        'ordered/1/': '',
        'keyed/config.pbtxt': `backend: "pytorch" max_batch_size: 4 ${tensor('input', 'a')}${tensor('input', 'b')}${tensor('output', 'sum')}`,
        'keyed/1/': '',
        'exported/config.pbtxt': `platform: "torch_aoti" max_batch_size: 4 ${tensor('input', 'KWARGS[k]')}${tensor('input', 'ARGS[0][x]')}${tensor('output', 'RESULT[difference]')}${tensor('output', 'OUTPUT__0')}`,
        'exported/1/': '',
        'named_export/config.pbtxt': `backend: "pytorch" default_model_filename: "model.pt2" max_batch_size: 4 ${tensor('input', 'nothing')}${tensor('input', 'k')}${tensor('output', 'y')}`,
        'named_export/1/': '',
        'types/config.pbtxt': `backend: "pytorch" ${types.map((type, index) => tensor('input', `IN__${index}`, type) + tensor('output', `OUT__${index}`, type)).join('')}`,
        'types/1/': '',
      },
      [`--backend-config=pytorch,python-runtime=${torch.python}`],
      (repository) => {
        // TorchScript reads the source of what it compiles, which must be a module.
        writeFileSync(join(repository, 'make_models.py'), script);
        const run = 'import sys; sys.path.insert(0, sys.argv[1]); import make_models';
        runScript(torch.python as string, run, repository);
      },
    );
    expect(await load(server, 'indexed')).toBe('');
    expect(await infer(server, 'indexed', { INPUT__0: [5, 6], INPUT__1: [1, 2] })).toEqual({
      OUTPUT__0: [6, 8],
      OUTPUT__1: [4, 4],
    });
    expect(await load(server, 'named')).toBe('');
    expect(await infer(server, 'named', { x: [1.5] })).toEqual({ y: [3] });
    expect(await load(server, 'words')).toBe('');
    expect(await infer(server, 'words', { words: ['a', 'É'] })).toEqual({ y: ['A', 'É'] });
  });

  it('takes inputs in the order of the configuration where their names say nothing', async () => {
    expect(await load(server, 'ordered')).toBe('');
    expect(await infer(server, 'ordered', { RIGHT: [1, 2], LEFT: [5, 6] })).toEqual({
      SUM: [6, 8],
      DIFFERENCE: [4, 4],
    });
    await server.logged(/W.*the inputs of model 'ordered' \(LEFT, RIGHT\) are neither called/u);
  });

  it('gives a model the dictionary that it takes', async () => {
    expect(await load(server, 'keyed')).toBe('');
    expect(await infer(server, 'keyed', { b: [1, 2], a: [5, 6] })).toEqual({ sum: [6, 8] });
  });

  it('runs programs of torch.export', async () => {
    expect(await load(server, 'exported')).toBe('');
    const inputs = { 'KWARGS[k]': [1, 2, 3, 4], 'ARGS[0][x]': [5, 6, 7, 8] };
    expect(await infer(server, 'exported', inputs)).toEqual({
      'RESULT[difference]': [4, 4, 4, 4],
      OUTPUT__0: [6, 8, 10, 12],
    });
  });

  it('passes every data type on', async () => {
    expect(await load(server, 'types')).toBe('');
    const { datatypes, data } = await passedOn(server);
    expect(datatypes).toEqual(types);
    // Those of BF16 are 1 and 2, and come back doubled.
    expect(data).toBe((await passedOn(null)).data.replace(/803f0040$/u, '00408040'));
  });

  it.each([
    [
      'wrong',
      "input 'nothing' of model 'wrong' is no argument of forward (x), and there is none at place 1",
    ],
    ['named_export', "model 'named_export' has no input 'nothing': it has ARGS[0][x], KWARGS[k]"],
  ])('says which arguments a model has (%s)', async (model, text) => {
    expect(await load(server, model)).toContain(text);
  });
});
