import type { DeclaredTensor } from './model-file.ts';

/** What `forward` of a TorchScript model takes and gives. */
export interface TorchScriptForward {
  readonly inputs: readonly DeclaredTensor[];
  readonly outputs: readonly DeclaredTensor[];
  readonly notes: readonly string[];
}

interface Argument {
  readonly name: string;
  readonly type: string;
  readonly hasDefault: boolean;
}

/**
 * Reads `forward` of a class out of TorchScript's code. Null where the class has none.
 * @param classText gives the text of another class of the archive by its qualified name, '' for none.
 * @throws RangeError for arguments that nothing can be given for.
 */
export function torchScriptForward(
  code: string,
  className: string,
  classText: (qualified: string) => string,
): TorchScriptForward | null {
  const text = classOfCode(code, className).replaceAll(/,\n\s+/gu, ', ');
  const found = /^ {2}def forward\((.*)\) -> ([^\n]+):\n((?: {4}.*\n?|\n)*)/mu.exec(text);
  if (found === null) return null;
  const [, given = '', result = '', body = ''] = found;
  const { inputs, notes } = inputsOf(split(given).slice(1).map(argumentOf));
  const results = resultsOf(result, body, classText);
  return { inputs, outputs: results.outputs, notes: [...notes, ...results.notes] };
}

/** The text of a class, up to the next one; '' where there is none. */
export function classOfCode(code: string, name: string): string {
  const start = code.search(new RegExp(`^class ${name}\\(`, 'mu'));
  const rest = start < 0 ? '' : code.slice(start);
  const end = rest.slice(1).search(/^class /mu);
  return end < 0 ? rest : rest.slice(0, end + 1);
}

/** `name: Type` or `name: Type=default`. */
function argumentOf(text: string): Argument {
  const [, name = '', type = '', value] = /^(\w+):\s*([^=]+?)\s*(=.*)?$/su.exec(text) ?? [];
  return { name, type, hasDefault: value !== undefined };
}

/** Arguments go by their place, so behind one that nothing can be given for there are none. */
function inputsOf(given: readonly Argument[]): { inputs: DeclaredTensor[]; notes: string[] } {
  const inputs: DeclaredTensor[] = [];
  for (const [index, { name, type, hasDefault }] of given.entries()) {
    const isOptional = type === 'Optional[Tensor]';
    if (type === 'Tensor' || type === 'List[str]' || isOptional) {
      const dataType = type === 'List[str]' ? 'TYPE_STRING' : null;
      inputs.push({ name, dataType, shape: null, ...(hasDefault ? { optional: true } : {}) });
      continue;
    }
    const rest = given.slice(index);
    const needed = rest.find((one) => !one.hasDefault);
    if (needed !== undefined) {
      throw new RangeError(
        `forward takes '${name}' of the type ${type}, and servers give models only tensors and List[str]`,
      );
    }
    const names = rest.map((one) => one.name).join(', ');
    return { inputs, notes: [`These arguments of forward keep their defaults: ${names}.`] };
  }
  return { inputs, notes: [] };
}

function resultsOf(
  type: string,
  body: string,
  classText: (qualified: string) => string,
): { outputs: DeclaredTensor[]; notes: string[] } {
  const tuple = /^Tuple\[(.*)\]$/u.exec(type)?.[1];
  if (tuple !== undefined) return placed(split(tuple), [], type);
  if (type === 'Tensor' || type === 'List[str]') return placed([type], [], type);
  if (type === 'Dict[str, Tensor]') {
    const outputs = dictionaryKeys(body).map((name) => ({ name, dataType: null, shape: null }));
    if (outputs.length > 0) return { outputs, notes: [] };
  }
  const fields = [...classText(type).matchAll(/^ {2}(\w+) : (.+)$/gmu)];
  if (fields.length > 0) {
    const types = fields.map(([, , field = '']) => field);
    return placed(
      types,
      fields.map(([, name = '']) => name),
      type,
    );
  }
  return placed([type], [], type);
}

/** Outputs that go by their place, which is what their names end in. */
function placed(
  types: readonly string[],
  names: readonly string[],
  whole: string,
): { outputs: DeclaredTensor[]; notes: string[] } {
  return {
    outputs: types.map((type, index) => ({
      name: `${names[index] ?? 'OUTPUT'}__${index}`,
      dataType: type === 'List[str]' ? 'TYPE_STRING' : null,
      shape: null,
    })),
    notes: types.every((type) => type === 'Tensor' || type === 'List[str]')
      ? []
      : [`forward gives ${whole}: name an output for each tensor of it.`],
  };
}

/** The keys of the dictionary that is returned; none where the code makes it in another way than these. */
function dictionaryKeys(body: string): string[] {
  const returned = /^ {4}return (.+)$/mu.exec(body)?.[1] ?? '';
  const name = /^\w+$/u.exec(returned)?.[0];
  const literal =
    name === undefined ? returned : new RegExp(`^ {4}${name} = (.+)$`, 'mu').exec(body)?.[1];
  const keys = /^\{(.*)\}$/u.exec(literal ?? '')?.[1];
  const literalKeys = split(keys ?? '').map((entry) => /^"([^"\\]+)":/u.exec(entry)?.[1] ?? '');
  const setKeys =
    name === undefined
      ? []
      : [...body.matchAll(new RegExp(`torch\\._set_item\\(${name}, "([^"\\\\]+)",`, 'gu'))].map(
          ([, key = '']) => key,
        );
  const all = [...literalKeys, ...setKeys];
  return all.includes('') ? [] : [...new Set(all)];
}

/** At the commas that lie in no brackets and no text. */
function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const piece of text.match(/"(?:[^"\\]|\\.)*"|[^"]/gsu) ?? []) {
    if ('[({'.includes(piece)) depth++;
    if ('])}'.includes(piece)) depth--;
    if (piece === ',' && depth === 0) {
      parts.push(part.trim());
      part = '';
    } else part += piece;
  }
  if (part.trim() !== '') parts.push(part.trim());
  return parts;
}
