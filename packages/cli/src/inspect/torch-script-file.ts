import { CommandError } from '../command/exit-status.ts';
import { type ModelFile, malformed } from './model-file.ts';
import {
  classOfCode,
  type TorchScriptForward,
  torchScriptForward,
} from './torch-script-forward.ts';
import { ZipFile } from './zip-file.ts';

const format = 'TorchScript model';

/**
 * Reads the arguments of a TorchScript model's `forward` from the code that the archive holds as text. Its pickles
 * are not loaded: of the first one only the name of the model's class is looked at.
 * @throws CommandError
 */
export function readTorchScript(path: string): ModelFile {
  const archive = new ZipFile(path, format);
  try {
    const data = archive.names.find((name) => /^[^/]+\/data\.pkl$/u.test(name));
    if (data === undefined) {
      throw malformed(path, format, 'there is no data.pkl in it; weights alone are no model');
    }
    const folder = data.slice(0, -'data.pkl'.length);
    const { module, name } = classOf(archive.read(data), path);
    const code = codePath(folder, module);
    if (!archive.names.includes(code)) {
      throw malformed(path, format, `there is no ${code} in it: save it with torch.jit.save`);
    }
    const { inputs, outputs, notes } = forwardOf(archive, folder, code, name);
    return {
      backend: 'pytorch',
      platform: 'pytorch_libtorch',
      localName: 'model.pt',
      inputs,
      outputs,
      companions: [],
      parameters: {},
      notes: ['The file says neither types nor shapes: correct data_type and dims.', ...notes],
    };
  } finally {
    archive.close();
  }
}

/** A pickle begins with its protocol, and that of a model then names the class: `c MODULE \n NAME \n`. */
function classOf(pickle: Buffer, path: string): { module: string; name: string } {
  const head = pickle.toString('latin1', 0, 4096);
  const [, module, name] = /^..c(__torch__[\w.]*)\n(\w+)\n/su.exec(head) ?? [];
  if (pickle[0] !== 0x80 || module === undefined || name === undefined) {
    throw malformed(
      path,
      format,
      'it holds weights or a pickled module, and no code: save torch.jit.trace or torch.jit.script of the module',
    );
  }
  return { module, name };
}

function codePath(folder: string, module: string): string {
  return `${folder}code/${module.replaceAll('.', '/')}.py`;
}

function forwardOf(
  archive: ZipFile,
  folder: string,
  code: string,
  name: string,
): TorchScriptForward {
  const classText = (qualified: string): string => {
    const [, module = '', own = ''] = /^(__torch__[\w.]*)\.(\w+)$/u.exec(qualified) ?? [];
    const place = codePath(folder, module);
    return archive.names.includes(place) ? classOfCode(archive.read(place).toString(), own) : '';
  };
  try {
    const forward = torchScriptForward(archive.read(code).toString(), name, classText);
    if (forward !== null) return forward;
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(`${archive.path}: ${error.message}`);
    throw error;
  }
  throw malformed(archive.path, format, 'its class has no method forward');
}
