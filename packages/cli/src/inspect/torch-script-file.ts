import { type DeclaredTensor, type ModelFile, malformed } from './model-file.ts';
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
    const code = `${folder}code/${module.replaceAll('.', '/')}.py`;
    if (!archive.names.includes(code)) {
      throw malformed(path, format, `there is no ${code} in it: save it with torch.jit.save`);
    }
    const { inputs, outputs, notes } = forwardOf(archive.read(code).toString(), name, path);
    return {
      backend: 'pytorch',
      platform: 'pytorch_libtorch',
      localName: 'model.pt',
      inputs,
      outputs,
      companions: [],
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
    throw malformed(path, format, 'its data.pkl names no class of a scripted model');
  }
  return { module, name };
}

function forwardOf(
  code: string,
  className: string,
  path: string,
): { inputs: DeclaredTensor[]; outputs: DeclaredTensor[]; notes: string[] } {
  const start = code.search(new RegExp(`^class ${className}\\(`, 'mu'));
  const rest = start < 0 ? '' : code.slice(start);
  const end = rest.slice(1).search(/^class /mu);
  const body = end < 0 ? rest : rest.slice(0, end + 1);
  const found = /^ {2}def forward\(([^)]*)\) -> ([^\n]+):\n/mu.exec(
    body.replaceAll(/,\n\s+/gu, ', '),
  );
  if (found === null) throw malformed(path, format, 'its class has no method forward');
  const [, given = '', result = ''] = found;
  const inputs = split(given)
    .slice(1)
    .map((argument) => {
      const [name = '', type = ''] = argument.split(/:\s*/u);
      return { name, dataType: type === 'List[str]' ? 'TYPE_STRING' : null, shape: null };
    });
  const tuple = /^Tuple\[(.*)\]$/u.exec(result)?.[1];
  const results = tuple === undefined ? [result] : split(tuple);
  return {
    inputs,
    outputs: results.map((type, index) => ({
      name: `OUTPUT__${index}`,
      dataType: type === 'List[str]' ? 'TYPE_STRING' : null,
      shape: null,
    })),
    notes: results.every((type) => type === 'Tensor')
      ? []
      : [`forward gives ${result}: name an output for each tensor of it.`],
  };
}

/** At the commas that lie in no brackets. */
function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of text) {
    if (character === '[') depth++;
    if (character === ']') depth--;
    if (character === ',' && depth === 0) {
      parts.push(part.trim());
      part = '';
    } else part += character;
  }
  if (part.trim() !== '') parts.push(part.trim());
  return parts;
}
