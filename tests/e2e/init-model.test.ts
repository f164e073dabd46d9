import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerProcess } from '@nereid/test-kit';
import { describe, expect, it } from 'vitest';
import { ensureOpenvinoEnv } from '../../tools/openvino-env.mjs';
import { ensureTorchEnv } from '../../tools/torch-env.mjs';
import { runNereid } from './nereid-command.ts';
import type { CommandEnd } from './run-command.ts';
import { type TemporaryRepository, temporaryRepository } from './temporary-repository.ts';

const openvino = ensureOpenvinoEnv();
const torch = ensureTorchEnv();

/** Has a framework write its models into the folder `export`. */
function exportModels(python: string, script: string, folder: TemporaryRepository): void {
  // A file, since TorchScript reads the source of what it compiles.
  folder.write('export.py', script);
  const args = ['-W', 'ignore', join(folder.path, 'export.py'), join(folder.path, 'export')];
  const { status, stderr } = spawnSync(python, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** What `init-model` writes of a file, in one line, or what it says is wrong with it. */
async function configurationOf(folder: TemporaryRepository, file: string): Promise<string> {
  const { stdout, stderr } = await init(folder, file, '--dry-run');
  return (stdout + stderr)
    .trim()
    .replaceAll(/\s+/gu, ' ')
    .replace(/^.*?(?=input \[)/u, '');
}

function init(folder: TemporaryRepository, ...args: string[]): Promise<CommandEnd> {
  return runNereid(['manage', 'init-model', ...args], { cwd: folder.path });
}

/** Puts the files into a repository, serves it, and hands over what asks a model. */
async function serve(
  folder: TemporaryRepository,
  files: readonly string[],
  runtime: string,
  use: (infer: (...args: string[]) => Promise<string>) => Promise<void>,
  prepare: () => void = () => {},
): Promise<void> {
  for (const file of files) {
    const made = await init(folder, file);
    expect(made.status, made.stderr).toBe(0);
  }
  prepare();
  const server = await ServerProcess.start({
    flags: [`--model-repository=${join(folder.path, 'triton')}`, `--backend-config=${runtime}`],
  });
  try {
    await use(async (...args) => {
      const { stdout, stderr } = await runNereid(['infer', ...args, '--url', server.url]);
      return stdout + stderr;
    });
  } finally {
    await server.stop();
  }
}

const openvinoModels = `
import os, sys
import numpy as np, openvino as ov
from openvino import Model, PartialShape, Type, Dimension, opset13 as ops
os.makedirs(sys.argv[1])

def named(node, *names, port=0):
    node.output(port).set_names(set(names))
    return node

def save(name, results, parameters):
    ov.save_model(Model([ops.result(each) for each in results], parameters, name), f"{sys.argv[1]}/{name}.xml")

sequence = named(ops.parameter(PartialShape([Dimension(1, 8), Dimension(), 4]), Type.f16), "sequence")
halves = ops.split(sequence, ops.constant(2, dtype=np.int64), 2)
named(halves, "left")
named(halves, "right", "alias", port=1)
save("halves", [halves.output(0), halves.output(1)], [sequence])

chooses = named(ops.parameter([], Type.boolean), "chooses")
rows = named(ops.parameter([-1, 2], Type.f32), "rows, all of them")
bodies = []
for make in (ops.sqrt, ops.negative):
    inner = ops.parameter([-1, 2], Type.f32)
    bodies.append((Model([ops.result(make(inner))], [inner], "body"), inner))
choice = ops.if_op(chooses)
choice.set_then_body(bodies[0][0])
choice.set_else_body(bodies[1][0])
choice.set_input(rows.output(0), bodies[0][1], bodies[1][1])
chosen = choice.set_output(bodies[0][0].results[0], bodies[1][0].results[0])
chosen.set_names({"chosen"})
save("choice", [chosen], [chooses, rows])

text = named(ops.parameter([-1, 1], Type.string), "text")
save("text", [named(ops.reshape(text, ops.constant([-1, 1, 1], dtype=np.int64), False), "same")], [text])
anything = named(ops.parameter(PartialShape.dynamic(), Type.i64), "anything")
save("anything", [named(ops.negative(anything), "result")], [anything])
`;

const openvinoReason = openvino.available ? '' : ` (skipped: ${openvino.reason})`;

describe.skipIf(!openvino.available)(`files that OpenVINO writes${openvinoReason}`, () => {
  it('become models that are served', async () => {
    if (!openvino.available) return;
    const folder = temporaryRepository({});
    try {
      exportModels(openvino.python, openvinoModels, folder);
      expect(await configurationOf(folder, 'export/halves.xml')).toBe(
        'input [ { name: "sequence" data_type: TYPE_FP16 dims: [ -1, 4 ] } ] output [ { name: "left" data_type: TYPE_FP16 dims: [ -1, 2 ] }, { name: "alias" data_type: TYPE_FP16 dims: [ -1, 2 ] } ] dynamic_batching { }',
      );
      expect(await configurationOf(folder, 'export/anything.xml')).toBe(
        'input [ { name: "anything" data_type: TYPE_INT64 dims: [ -1 ] } ] output [ { name: "result" data_type: TYPE_INT64 dims: [ -1 ] } ]',
      );
      const files = ['halves', 'choice', 'text'].map((name) => `export/${name}.xml`);
      await serve(folder, files, `openvino,python-runtime=${openvino.python}`, async (infer) => {
        const halves = await infer('halves', '--input', 'sequence=[[[1,2,3,4]]]');
        expect(halves).toBe(
          'left  FP16 [1, 1, 2]\n[[[1, 2]]]\n\nalias  FP16 [1, 1, 2]\n[[[3, 4]]]\n',
        );
        const rows = ['--input', 'rows, all of them=[[4,9]]'];
        expect(await infer('choice', '--input', 'chooses=true', ...rows)).toContain('[[2, 3]]');
        expect(await infer('choice', '--input', 'chooses=false', ...rows)).toContain('[[-4, -9]]');
        expect(await infer('text', '--input', 'text=[["é"],["b"]]')).toContain('"é"');
      });
    } finally {
      folder.remove();
    }
  });
});

const torchModels = `
import os, sys
from typing import Dict, List, NamedTuple, Optional
import torch
os.makedirs(sys.argv[1])

class Traced(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Linear(2, 1, bias=False)
        self.scale.weight.data.fill_(0.5)
    def forward(self, left, right):
        return {"mean": self.scale(left), "product": left * right}

class Found(NamedTuple):
    boxes: torch.Tensor
    scores: torch.Tensor

class Scripted(torch.nn.Module):
    def forward(self, image: torch.Tensor, mask: Optional[torch.Tensor] = None, scale: float = 2.0) -> Found:
        boxes = image * scale
        if mask is not None:
            boxes = boxes * mask
        return Found(boxes, image)

class Text(torch.nn.Module):
    def forward(self, texts: List[str]) -> List[str]:
        return [text.upper() for text in texts]

class Number(torch.nn.Module):
    def forward(self, x: torch.Tensor, n: int) -> torch.Tensor:
        return x * n

def path(name):
    return os.path.join(sys.argv[1], name + ".pt")

torch.jit.trace(Traced().eval(), (torch.ones(1, 2), torch.ones(1, 2)), strict=False).save(path("traced"))
scripted = torch.jit.script(Scripted().eval())
scripted.save(path("scripted"))
torch.jit.freeze(scripted).save(path("frozen"))
torch.jit.script(Text()).save(path("text"))
torch.jit.script(Number()).save(path("number"))
torch.save(Traced().state_dict(), path("weights"))
torch.save({"epoch": 1, "model": Traced().state_dict()}, path("checkpoint"))
`;

const torchReason = torch.available ? '' : ` (skipped: ${torch.reason})`;
const tensor = (name: string, more = ''): string =>
  `{ name: "${name}" data_type: TYPE_FP32 dims: [ -1 ]${more} }`;

describe.skipIf(!torch.available)(`files that PyTorch writes${torchReason}`, () => {
  it('become models that are served', async () => {
    if (!torch.available) return;
    const folder = temporaryRepository({});
    try {
      exportModels(torch.python, torchModels, folder);
      expect(await configurationOf(folder, 'export/traced.pt')).toBe(
        `input [ ${tensor('left')}, ${tensor('right')} ] output [ ${tensor('mean')}, ${tensor('product')} ]`,
      );
      const found = `output [ ${tensor('boxes__0')}, ${tensor('scores__1')} ]`;
      for (const name of ['scripted', 'frozen']) {
        expect(await configurationOf(folder, `export/${name}.pt`)).toBe(
          `input [ ${tensor('image')}, ${tensor('mask', ' optional: true')} ] ${found}`,
        );
      }
      expect(await configurationOf(folder, 'export/text.pt')).toContain(
        'input [ { name: "texts" data_type: TYPE_STRING dims: [ -1 ] } ]',
      );
      expect(await configurationOf(folder, 'export/number.pt')).toContain(
        "takes 'n' of the type int",
      );
      for (const name of ['weights', 'checkpoint']) {
        expect(await configurationOf(folder, `export/${name}.pt`)).toContain('and no code: save');
      }
      const runtime = `pytorch,python-runtime=${torch.python}`;
      const twoDimensions = (): void => {
        const config = 'triton/traced/config.pbtxt';
        const text = readFileSync(join(folder.path, config), 'utf8');
        folder.write(config, text.replaceAll('[ -1 ]', '[ -1, -1 ]'));
      };
      await serve(
        folder,
        ['export/traced.pt'],
        runtime,
        async (infer) => {
          const traced = await infer(
            'traced',
            '--input',
            'left=[[1,3]]',
            '--input',
            'right=[[2,2]]',
          );
          expect(traced).toContain('mean  FP32 [1, 1]\n[[2]]');
          expect(traced).toContain('product  FP32 [1, 2]\n[[2, 6]]');
        },
        twoDimensions,
      );
    } finally {
      folder.remove();
    }
  });
});
