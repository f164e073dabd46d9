import type { DataType, ModelMetadata, TensorMetadata } from '@nereid/client';

/** A model as a server tells of it. */
export interface DescribedModel {
  readonly metadata: ModelMetadata;
  /** Names of the inputs that it can do without. */
  readonly optionalInputs: ReadonlySet<string>;
}

/** What holds the elements of each data type in memory. */
const holders: Readonly<Record<DataType, string>> = {
  BOOL: 'Uint8Array of 0 and 1',
  UINT8: 'Uint8Array',
  UINT16: 'Uint16Array',
  UINT32: 'Uint32Array',
  UINT64: 'BigUint64Array',
  INT8: 'Int8Array',
  INT16: 'Int16Array',
  INT32: 'Int32Array',
  INT64: 'BigInt64Array',
  FP16: 'Uint16Array of their bits',
  BF16: 'Uint16Array of their bits',
  FP32: 'Float32Array',
  FP64: 'Float64Array',
  BYTES: 'array of byte strings',
};

/**
 * A module of TypeScript with an interface for each model, `DigitsModel` for `digits`, and all of them by name
 * in `Models`. @param from The module that it imports the types of tensors from.
 * @throws TypeError for a data type that no tensor has.
 */
export function modelTypesText(models: readonly DescribedModel[], from: string): string {
  const names = interfaceNames(models.map(({ metadata }) => metadata.name));
  const rows = models.map(
    ({ metadata }, index) => `  readonly ${keyOf(metadata.name)}: ${names[index]};\n`,
  );
  return `// Written by \`nereid types\`: run it again when the models change.
import type { ModelTypes, TensorOf } from ${quoted(from)};

${models.map((model, index) => interfaceText(names[index] as string, model)).join('\n')}
/** By the name of the model. */
export interface Models {
${rows.join('')}}
`;
}

function interfaceText(name: string, { metadata, optionalInputs }: DescribedModel): string {
  return `export interface ${name} extends ModelTypes {
  readonly name: ${quoted(metadata.name)};
  readonly inputs: ${tensorsText(metadata.inputs, optionalInputs)};
  readonly outputs: ${tensorsText(metadata.outputs, new Set())};
}
`;
}

function tensorsText(tensors: readonly TensorMetadata[], optional: ReadonlySet<string>): string {
  const members = tensors.map(({ name, datatype, shape }) => {
    if (!Object.hasOwn(holders, datatype)) {
      throw new TypeError(
        `the tensor '${name}' is of ${datatype}, which this client does not know`,
      );
    }
    const mark = optional.has(name) ? '?' : '';
    const dimensions = `[${shape.map(Number).join(', ')}]`;
    return `    /** ${holders[datatype]}. */
    readonly ${keyOf(name)}${mark}: TensorOf<'${datatype}', ${dimensions}>;
`;
  });
  return members.length === 0 ? '{}' : `{\n${members.join('')}  }`;
}

/** Different for each, also where only punctuation tells the models apart. */
function interfaceNames(models: readonly string[]): string[] {
  const taken = new Set(['Models', 'ModelTypes', 'TensorOf']);
  return models.map((model) => {
    const words = model.match(/[\p{L}\p{N}]+/gu) ?? [];
    const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
    const base = `${/^\p{ID_Start}/u.test(joined) ? '' : '_'}${joined}Model`;
    let name = base;
    for (let count = 2; taken.has(name); count++) name = `${base}${count}`;
    taken.add(name);
    return name;
  });
}

function keyOf(name: string): string {
  return /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(name) ? name : quoted(name);
}

/** A string as TypeScript has it. */
function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${inner}'`;
}
