import { existsSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { CommandError, notFoundError } from '../command/exit-status.ts';
import type { ModelFile } from './model-file.ts';
import { readOnnxFile } from './onnx-file.ts';
import { readOpenVino } from './openvino-file.ts';
import { readSavedModel } from './saved-model-folder.ts';
import { readTorchScript } from './torch-script-file.ts';

/** Reads a model's file, of whatever kind its name and content say. @throws CommandError */
export function readModelFile(path: string): ModelFile {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw notFoundError(`there is no ${path}`);
  if (found.isDirectory()) {
    if (existsSync(join(path, 'saved_model.pb'))) return readSavedModel(path);
    throw new CommandError(`${path} is a folder without saved_model.pb: name the model's file`);
  }
  switch (extname(path).toLowerCase()) {
    case '.onnx':
      return readOnnxFile(path);
    case '.pt':
    case '.pth':
    case '.torchscript':
      return readTorchScript(path);
    case '.xml':
      return readOpenVino(path);
  }
  if (extname(path).toLowerCase() === '.pt2') {
    throw new CommandError(
      `${path} was written by torch.export, and what it takes is not told without running it: put it into the repository as NAME/1/model.pt2 with a config.pbtxt of your own (platform: "torch_aoti"), or write TorchScript (torch.jit.trace, torch.jit.script) or ONNX (torch.onnx.export)`,
    );
  }
  throw new CommandError(
    `${path} is none of the models that can be read: .onnx, .pt (TorchScript), .xml (OpenVINO), or the folder of a SavedModel`,
  );
}
