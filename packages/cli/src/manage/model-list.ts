import { readFile, stat } from 'node:fs/promises';
import { nearestName } from '@nereid/protocol';
import { parse, TomlError } from 'smol-toml';
import { CommandError, notFoundError } from '../command/exit-status.ts';
import { isSafePath } from './safe-path.ts';

const listBytesMax = 1_048_576;
const modelsMax = 10_000;

/** One version of a model in `models.toml`: where it comes from and what it becomes. */
export interface ListedModel {
  readonly name: string;
  /** The folder in the model's. */
  readonly version: number;
  readonly type: 'single_file' | 'directory';
  /** Name of the file, or of the folder, in the version's folder. */
  readonly localName: string;
  readonly source: ModelSource;
  /** Of a directory: the files to take, below the source; null for all that are listed there. */
  readonly files: readonly string[] | null;
  /** In hexadecimal digits, by path below the source; '' is the single file. */
  readonly sha256: ReadonlyMap<string, string>;
}

export type ModelSource =
  | {
      readonly kind: 'hugging-face';
      readonly repoId: string;
      readonly revision: string;
      /** The file, or the folder, in the repository. */
      readonly path: string;
    }
  | { readonly kind: 'url'; readonly url: string };

/** A table of the list as TOML gives it. */
type Table = Readonly<Record<string, unknown>>;

const keys = [
  'name',
  'triton_version',
  'type',
  'repo_id',
  'revision',
  'model_path',
  'subfolder',
  'local_name',
  'url',
  'files',
  'sha256',
];

/**
 * Reads `models.toml`: tables `[[models.NAME]]`, one a version.
 * @param include The models that are wanted; empty for all.
 * @throws CommandError that names the table and the key.
 */
export async function readModelList(
  path: string,
  include: readonly string[] = [],
): Promise<ListedModel[]> {
  const models = parseModelList(await readList(path), path);
  const unknown = include.find((name) => !models.some((model) => model.name === name));
  if (unknown !== undefined) {
    const near = nearestName(
      unknown,
      models.map(({ name }) => name),
    );
    const hint = near === null ? '' : `: did you mean '${near}'?`;
    throw notFoundError(`there is no model '${unknown}' in ${path}${hint}`);
  }
  return include.length === 0 ? models : models.filter(({ name }) => include.includes(name));
}

async function readList(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  if (found === null) {
    throw notFoundError(
      `there is no ${path}: say where the list of models is with --model-config-path`,
    );
  }
  if (found.size > listBytesMax) {
    throw new CommandError(
      `${path} is longer than ${listBytesMax} bytes: that is no list of models`,
    );
  }
  return readFile(path, 'utf8');
}

/** The text of `models.toml`. @param path For messages. */
export function parseModelList(text: string, path: string): ListedModel[] {
  let root: Table;
  try {
    root = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split('\n')[0] as string).replace(
      /^Invalid TOML document: /u,
      '',
    );
    throw new CommandError(`${path}:${error.line}:${error.column}: ${reason}`);
  }
  const tables = root['models'];
  if (!isTable(tables)) throw new CommandError(`${path}: there is no table 'models'`);
  const models = Object.entries(tables).flatMap(([key, versions]) => {
    if (!Array.isArray(versions) || !versions.every(isTable)) {
      throw new CommandError(`${path}: write each version of '${key}' as [[models.${key}]]`);
    }
    return versions.map((table) => listedModel(new EntryReader(path, key, table)));
  });
  if (models.length > modelsMax) {
    throw new CommandError(`${path}: ${models.length} models are more than ${modelsMax}`);
  }
  checkUnique(models, path);
  return models;
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkUnique(models: readonly ListedModel[], path: string): void {
  const seen = new Set<string>();
  for (const { name, version } of models) {
    const key = `${name}/${version}`;
    if (seen.has(key)) {
      throw new CommandError(`${path}: version ${version} of '${name}' is listed twice`);
    }
    seen.add(key);
  }
}

function listedModel(entry: EntryReader): ListedModel {
  entry.checkKeys();
  const name = entry.text('name') ?? entry.key;
  if (!isSafePath(name) || name.includes('/')) throw entry.error('name', 'is no name of a folder');
  const version = entry.value('triton_version') ?? 1;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) {
    throw entry.error('triton_version', 'must be a whole number from 1 up');
  }
  const type = entry.text('type') ?? 'single_file';
  if (type !== 'single_file' && type !== 'directory') {
    throw entry.error('type', "must be 'single_file' or 'directory'");
  }
  const localName = entry.text('local_name') ?? 'model.onnx';
  if (!isSafePath(localName)) throw entry.error('local_name', 'leads out of the model');
  const source = sourceOf(entry, type);
  return {
    name,
    version,
    type,
    localName,
    source,
    files: filesOf(entry, type),
    sha256: checksumsOf(entry, type),
  };
}

function sourceOf(entry: EntryReader, type: ListedModel['type']): ModelSource {
  const url = entry.text('url');
  const repoId = entry.text('repo_id');
  if (url !== null && repoId !== null) throw entry.error('url', 'and repo_id exclude each other');
  if (url !== null) return { kind: 'url', url };
  if (repoId === null) throw entry.error('repo_id', 'or url must be set');
  if (!/^[\w.-]+(\/[\w.-]+)?$/u.test(repoId)) throw entry.error('repo_id', 'is no OWNER/NAME');
  const key = type === 'single_file' ? 'model_path' : 'subfolder';
  const path = entry.text(key);
  if (path === null || path === '') throw entry.error(key, `must be set if type is '${type}'`);
  if (!isSafePath(path.replace(/\/$/u, ''))) throw entry.error(key, 'leads out of the repository');
  return {
    kind: 'hugging-face',
    repoId,
    revision: entry.text('revision') ?? 'main',
    path: path.replace(/\/$/u, ''),
  };
}

function filesOf(entry: EntryReader, type: ListedModel['type']): readonly string[] | null {
  const files = entry.value('files');
  if (files === undefined) return null;
  if (type !== 'directory') throw entry.error('files', "is for type = 'directory'");
  const isList = Array.isArray(files) && files.every((file) => typeof file === 'string');
  if (!isList || files.length === 0) throw entry.error('files', 'must be a list of names');
  if (!files.every(isSafePath)) throw entry.error('files', 'leads out of the model');
  return files as readonly string[];
}

function checksumsOf(entry: EntryReader, type: ListedModel['type']): ReadonlyMap<string, string> {
  const given = entry.value('sha256');
  if (given === undefined) return new Map();
  if (isTable(given) !== (type === 'directory')) {
    const form = type === 'directory' ? 'a table, { "path" = "…" }' : 'text';
    throw entry.error('sha256', `of a ${type} must be ${form}`);
  }
  const pairs = isTable(given) ? Object.entries(given) : [['', given] as const];
  return new Map(
    pairs.map(([path, digits]) => {
      if (typeof digits === 'string' && /^[\da-f]{64}$/iu.test(digits)) {
        return [path, digits.toLowerCase()];
      }
      throw entry.error('sha256', 'must be 64 hexadecimal digits');
    }),
  );
}

/** One table, with errors that say which. */
class EntryReader {
  readonly key: string;
  readonly #path: string;
  readonly #table: Table;

  constructor(path: string, key: string, table: Table) {
    this.#path = path;
    this.key = key;
    this.#table = table;
  }

  value(key: string): unknown {
    return this.#table[key];
  }

  text(key: string): string | null {
    const value = this.#table[key];
    if (value === undefined) return null;
    if (typeof value === 'string') return value;
    throw this.error(key, 'must be text');
  }

  /** A key that nobody reads is most likely misspelt, and its default then comes as a surprise. */
  checkKeys(): void {
    for (const key of Object.keys(this.#table)) {
      if (keys.includes(key)) continue;
      const near = nearestName(key, keys);
      throw this.error(key, `is no key${near === null ? '' : `: did you mean ${near}?`}`);
    }
  }

  error(key: string, problem: string): CommandError {
    return new CommandError(`${this.#path}: [[models.${this.key}]]: ${key} ${problem}`);
  }
}
