import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CompletableConfig, Model } from '@nereid/model';
import { withModuleHint } from './module-kind.ts';

/** What `autoCompleteConfig` may give back: what it changed; nothing where it changed what it was given. */
export type CompleteConfig = (config: CompletableConfig) => unknown;

/** A model's file, imported. */
export interface ImportedModel {
  readonly completeConfig: CompleteConfig | null;
  /** Makes the one model of this instance. */
  readonly make: () => Model;
}

/** @throws what the file throws, and TypeError for one that exports no model. */
export async function importModel(directory: string, fileName: string): Promise<ImportedModel> {
  const path = join(directory, fileName);
  if (!existsSync(path)) throw new Error(`there is no file ${path}`);
  return modelOf(await imported(path), fileName);
}

async function imported(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (thrown) {
    throw withModuleHint(thrown);
  }
}

/** @param namespace What the file exports; that of CommonJS has it all as `default`. */
export function modelOf(
  namespace: Readonly<Record<string, unknown>>,
  fileName: string,
): ImportedModel {
  const exported = namespace['default'] ?? namespace;
  if (isClass(exported)) {
    return {
      completeConfig: completeConfigOf(exported),
      make: () => new exported(),
    };
  }
  const candidates = [exported, namespace];
  const model = candidates.find((candidate) => isModel(candidate)) as Model | undefined;
  if (model === undefined) {
    throw new TypeError(
      `${fileName} exports no model: export a function 'execute', or a class or an object that has one as the default`,
    );
  }
  return { completeConfig: completeConfigOf(model), make: () => model };
}

function completeConfigOf(exported: object): CompleteConfig | null {
  const { autoCompleteConfig } = exported as { autoCompleteConfig?: unknown };
  if (typeof autoCompleteConfig !== 'function') return null;
  return (config) => autoCompleteConfig.call(exported, config);
}

function isClass(exported: unknown): exported is new () => Model {
  return typeof exported === 'function' && isModel(exported.prototype);
}

function isModel(candidate: unknown): boolean {
  return typeof (candidate as { execute?: unknown } | null | undefined)?.execute === 'function';
}
