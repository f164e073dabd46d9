import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Files by their paths; a name that ends in `/` is a folder. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A model repository of one test. */
export interface TemporaryRepository {
  /** Absolute path of the repository. */
  readonly path: string;
  /** Writes a file of the repository; makes the folders that lead to it. */
  readonly write: (file: string, content: string | Uint8Array) => void;
  /** Makes a file of so many zeros that takes no room on the disk. */
  readonly reserve: (file: string, byteLength: number) => void;
  /** Removes the repository, or one file of it. */
  readonly remove: (file?: string) => void;
}

/** Makes a repository of these files: `model/config.pbtxt` → its text. */
export function temporaryRepository(files: Files): TemporaryRepository {
  const path = mkdtempSync(join(tmpdir(), 'nereid-models-'));
  const write = (file: string, content: string | Uint8Array): void => {
    const target = join(path, file);
    mkdirSync(file.endsWith('/') ? target : dirname(target), { recursive: true });
    if (!file.endsWith('/')) writeFileSync(target, content);
  };
  for (const [file, content] of Object.entries(files)) write(file, content);
  return {
    path,
    write,
    reserve: (file, byteLength) => {
      write(file, '');
      truncateSync(join(path, file), byteLength);
    },
    remove: (file = '') => rmSync(join(path, file), { recursive: true, force: true }),
  };
}

/**
 * The files of a repository for a table of models.
 * @param filesOf the files of one model, by their paths in its folder
 */
export function modelFiles<Model>(
  models: Readonly<Record<string, Model>>,
  filesOf: (model: Model, name: string) => Files,
): Files {
  const files = Object.entries(models).flatMap(([name, model]) =>
    Object.entries(filesOf(model, name)).map(
      ([file, content]) => [`${name}/${file}`, content] as const,
    ),
  );
  return Object.fromEntries(files);
}

/** `config.pbtxt` of a model of the identity backend: INPUT0 [-1] in, OUTPUT0 out, without batching. */
export function identityConfig(dataType: string, extra = ''): string {
  return `backend: "identity"
max_batch_size: 0
input [ { name: "INPUT0" data_type: TYPE_${dataType} dims: [ -1 ] } ]
output [ { name: "OUTPUT0" data_type: TYPE_${dataType} dims: [ -1 ] } ]
${extra}`;
}

/** The files of `identity_INT32` and its like, one for each data type. */
export function identityModels(datatypes: readonly string[]): Files {
  const types = datatypes.map((datatype) => [`identity_${datatype}`, datatype] as const);
  return modelFiles(Object.fromEntries(types), (datatype) => ({
    'config.pbtxt': identityConfig(datatype === 'BYTES' ? 'STRING' : datatype),
    '1/': '',
  }));
}

/** `config.pbtxt` of a model of the repeat backend: each element of IN comes back in OUT, after its DELAY in milliseconds. */
export const repeatConfig: string = `backend: "repeat"
model_transaction_policy { decoupled: true }
input [
  { name: "IN" data_type: TYPE_INT32 dims: [ -1 ] },
  { name: "DELAY" data_type: TYPE_UINT32 dims: [ -1 ] },
  { name: "WAIT" data_type: TYPE_UINT32 dims: [ 1 ] }
]
output [
  { name: "OUT" data_type: TYPE_INT32 dims: [ 1 ] },
  { name: "IDX" data_type: TYPE_UINT32 dims: [ 1 ] }
]
`;
