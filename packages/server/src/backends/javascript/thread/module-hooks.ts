import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { compileTypeScript } from './typescript.ts';

/** The package that models import, which is the server's own copy whatever is installed beside them. */
const modelPackage = '@nereid/model';

type Resolved = { url: string; format?: string | null; shortCircuit?: boolean };
type Loaded = { format: string; source: string; shortCircuit: true };
type ResolveContext = { readonly parentURL?: string | undefined };

/** As Node 22.15 and later have it: hooks that run in the thread itself. */
type RegisterHooks = (hooks: {
  resolve(
    specifier: string,
    context: ResolveContext,
    next: (specifier: string, context: ResolveContext) => Resolved,
  ): Resolved;
  load(url: string, context: object, next: (url: string, context: object) => unknown): unknown;
}) => void;

/**
 * Has this thread import TypeScript, and the package of models.
 * @param packageUrl Of the server's copy. @param hooksUrl Of the module with the hooks for Node 20, which run in a thread of their own.
 */
export function installModuleHooks(packageUrl: string, hooksUrl: string): void {
  const { registerHooks } = nodeModule as unknown as { registerHooks?: RegisterHooks };
  if (registerHooks === undefined) {
    nodeModule.register(hooksUrl, { data: { packageUrl } });
    return;
  }
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === modelPackage) return { url: packageUrl, shortCircuit: true };
      try {
        return next(specifier, context);
      } catch (error) {
        const other = typeScriptInstead(specifier, context, error);
        if (other === null) throw error;
        return next(other, context);
      }
    },
    load(url, context, next) {
      if (!isTypeScript(url)) return next(url, context);
      return compiled(url, readFileSync(fileURLToPath(url), 'utf8'));
    },
  });
}

/** The same for Node 20, called by its own thread. */
export class AsyncModuleHooks {
  #packageUrl = '';

  initialize({ packageUrl }: { packageUrl: string }): void {
    this.#packageUrl = packageUrl;
  }

  async resolve(
    specifier: string,
    context: ResolveContext,
    next: (specifier: string, context: ResolveContext) => Promise<Resolved>,
  ): Promise<Resolved> {
    if (specifier === modelPackage) return { url: this.#packageUrl, shortCircuit: true };
    try {
      return await next(specifier, context);
    } catch (error) {
      const other = typeScriptInstead(specifier, context, error);
      if (other === null) throw error;
      return next(other, context);
    }
  }

  async load(
    url: string,
    context: object,
    next: (url: string, context: object) => Promise<unknown>,
  ): Promise<unknown> {
    if (!isTypeScript(url)) return next(url, context);
    return compiled(url, await readFile(fileURLToPath(url), 'utf8'));
  }
}

function compiled(url: string, text: string): Loaded {
  return {
    format: 'module',
    source: compileTypeScript(text, fileURLToPath(url)),
    shortCircuit: true,
  };
}

function isTypeScript(url: string): boolean {
  return url.startsWith('file:') && /\.m?ts(\?.*)?$/u.test(url);
}

/** TypeScript's own rule: `./other.js` in a TypeScript file may mean `./other.ts`. */
function typeScriptInstead(
  specifier: string,
  { parentURL }: ResolveContext,
  error: unknown,
): string | null {
  if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') return null;
  if (parentURL === undefined || !isTypeScript(parentURL)) return null;
  const found = /^(\.\.?\/.*\.m?)js$/u.exec(specifier);
  return found === null ? null : `${found[1]}ts`;
}
