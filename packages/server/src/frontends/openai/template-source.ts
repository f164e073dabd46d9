import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { TritonError } from '@nereid/protocol';
import type { ServedModel } from '../../lifecycle/served-model.ts';

/** A chat template as it was written. */
export interface TemplateSource {
  /** Jinja; null where the model brings none. */
  readonly template: string | null;
  /** `bos_token` and the like. */
  readonly tokens: ReadonlyMap<string, string>;
}

/** Longer files are not read: tokenizers with many added tokens have a few megabytes. */
const fileBytesMax = 32 * 1024 * 1024;

const parameterName = 'chat_template';

/**
 * Finds the chat template of a model: its parameter `chat_template`, then `chat_template.jinja`, then
 * `tokenizer_config.json`, each in the folder of the version before that of the model.
 * @throws TritonError INTERNAL for a file that cannot be used.
 */
export async function findTemplate({
  config,
  directory,
  key,
}: ServedModel): Promise<TemplateSource> {
  const folders = [join(directory, String(key.version)), directory];
  const tokenizer = await firstFile(folders, 'tokenizer_config.json');
  const settings = tokenizer === null ? {} : parsed(tokenizer.text, tokenizer.path);
  const template =
    config.parameters.get(parameterName)?.string_value ??
    (await firstFile(folders, 'chat_template.jinja'))?.text ??
    templateIn(settings);
  return { template, tokens: tokensIn(settings) };
}

interface TextFile {
  readonly path: string;
  readonly text: string;
}

async function firstFile(folders: readonly string[], name: string): Promise<TextFile | null> {
  for (const folder of folders) {
    const path = join(folder, name);
    const text = await textOf(path);
    if (text !== null) return { path, text };
  }
  return null;
}

/** Null for a file that is not there. */
async function textOf(path: string): Promise<string | null> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > fileBytesMax) throw unusable(path, `it is larger than ${fileBytesMax} bytes`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (failure) {
    const code = (failure as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw failure instanceof TritonError ? failure : unusable(path, String(code ?? failure));
  }
}

type Settings = Readonly<Record<string, unknown>>;

function parsed(text: string, path: string): Settings {
  try {
    return JSON.parse(text) as Settings;
  } catch (failure) {
    throw unusable(path, (failure as Error).message);
  }
}

/** `chat_template` is a text, or a list of named ones. */
function templateIn({ chat_template }: Settings): string | null {
  if (typeof chat_template === 'string') return chat_template;
  if (!Array.isArray(chat_template)) return null;
  const named = chat_template as { name?: unknown; template?: unknown }[];
  const chosen = named.find(({ name }) => name === 'default') ?? named[0];
  return typeof chosen?.template === 'string' ? chosen.template : null;
}

/** Special tokens are texts, or objects with one. */
function tokensIn(settings: Settings): ReadonlyMap<string, string> {
  const tokens = new Map<string, string>();
  for (const [name, value] of Object.entries(settings)) {
    if (!name.endsWith('_token')) continue;
    const text =
      typeof value === 'string' ? value : (value as { content?: unknown } | null)?.content;
    if (typeof text === 'string') tokens.set(name, text);
  }
  return tokens;
}

function unusable(path: string, reason: string): TritonError {
  return new TritonError('INTERNAL', `the chat template of '${path}' cannot be used: ${reason}`);
}
