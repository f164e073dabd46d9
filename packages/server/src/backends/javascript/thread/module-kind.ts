import { readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

type Kind = 'commonjs' | 'module';

/** What V8 says of the syntax of ES modules in a file that is read as CommonJS. */
const moduleSyntax =
  /^(Unexpected token 'export'|Cannot use import statement outside a module|Cannot use 'import\.meta' outside a module|await is only valid in async functions and the top level bodies of modules)/u;
/** What Node says of CommonJS's variables in an ES module. */
const commonJsNames = /^((?:require|module|exports|__filename|__dirname) is not defined)/u;

/**
 * Adds to an error of an import what to do, where a file was taken for the other kind of module than it looks like:
 * Node goes by the file's name and by the `type` in the nearest package.json, and says little of it.
 *
 * @returns the same error
 */
export function withModuleHint(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const stack = thrown.stack ?? '';
  if (thrown instanceof SyntaxError && moduleSyntax.test(thrown.message)) {
    const file = syntaxErrorPlace(stack)?.file ?? null;
    const hint = file === null ? null : kindHint(file, 'commonjs');
    if (hint !== null) thrown.message = `${thrown.message}. ${hint}`;
  } else if (thrown instanceof ReferenceError) {
    const [, said] = commonJsNames.exec(thrown.message) ?? [];
    const [, url] = /^\s*at .*?(file:\/\/[^\s)]+?):\d+:\d+\)?$/mu.exec(stack) ?? [];
    const file = url === undefined ? null : pathOf(url);
    const hint = file === null ? null : kindHint(file, 'module');
    // Node has a sentence of its own, for one of the cases.
    if (said !== undefined && hint !== null) thrown.message = `${said}. ${hint}`;
  }
  return thrown;
}

/** Where a file cannot be compiled: V8 puts it before the stack, and not into it. */
export function syntaxErrorPlace(stack: string): { file: string; line: number } | null {
  const [, place, line] = /^(\S.*):(\d+)$/mu.exec(stack.split('\n', 1)[0] ?? '') ?? [];
  if (place === undefined) return null;
  return { file: pathOf(place), line: Number(line) };
}

function pathOf(place: string): string {
  if (!place.startsWith('file:')) return place;
  try {
    return fileURLToPath(place.replace(/\?.*$/u, ''));
  } catch {
    return place;
  }
}

/** Why the file was read as it was, and what to do; null where that was its own syntax. */
function kindHint(file: string, kind: Kind): string | null {
  const [read, other, extension] =
    kind === 'commonjs'
      ? ['CommonJS', 'an ES module', '.mjs']
      : ['an ES module', 'CommonJS', '.cjs'];
  const given = extname(file);
  if (/^\.m?ts$/u.test(given)) {
    return `${file} is read as an ES module, as all TypeScript is: use import and export in it`;
  }
  const name = `name it ${basename(file, given)}${extension}`;
  if (given !== '.js') {
    return `${file} is read as ${read} because its name ends in ${given}: if it is ${other}, ${name}`;
  }
  const found = nearestType(file);
  if (found === null) return null;
  const said = `${file} is read as ${read} because ${found.path} says "type": "${found.type}"`;
  const opposite: Kind = kind === 'commonjs' ? 'module' : 'commonjs';
  return `${said}: if it is ${other}, ${name}, or say "type": "${opposite}" there`;
}

/** The nearest package.json, if it has a type. Node looks from the file's folder upwards, to the first one. */
function nearestType(file: string): { path: string; type: string } | null {
  let folder = dirname(file);
  for (;;) {
    const path = join(folder, 'package.json');
    try {
      const { type } = JSON.parse(readFileSync(path, 'utf8')) as { type?: unknown };
      return typeof type === 'string' ? { path, type } : null;
    } catch {
      // None here.
    }
    const parent = dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
}
