import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { syntaxErrorPlace, withModuleHint } from './module-kind.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nereid-kind-'));
  mkdirSync(join(folder, 'm', '1'), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As V8 throws it: the place stands before the message. */
function syntaxError(file: string, message: string): Error {
  const error = new SyntaxError(message);
  error.stack = `${file}:3\nexport const a = 1;\n^^^^^^\n\nSyntaxError: ${message}\n    at wrapSafe (node:internal/modules/cjs/loader:1)`;
  return error;
}

function referenceError(file: string, message: string): Error {
  const error = new ReferenceError(message);
  error.stack = `ReferenceError: ${message}\n    at ${pathToFileURL(file)}:1:1\n    at ModuleJob.run (node:internal/modules/esm/module_job:325:25)`;
  return error;
}

const told = (error: Error): string => (withModuleHint(error) as Error).message;

describe('an ES module that is read as CommonJS', () => {
  it.each([
    "Unexpected token 'export'",
    'Cannot use import statement outside a module',
    "Cannot use 'import.meta' outside a module",
    'await is only valid in async functions and the top level bodies of modules',
  ])('is told by the package that says so: %s', (message) => {
    const manifest = join(folder, 'package.json');
    writeFileSync(manifest, '{"type": "commonjs"}');
    const file = join(folder, 'm', '1', 'model.js');
    expect(told(syntaxError(file, message))).toBe(
      `${message}. ${file} is read as CommonJS because ${manifest} says "type": "commonjs": if it is an ES module, name it model.mjs, or say "type": "module" there`,
    );
  });

  it('is told by its name', () => {
    const file = join(folder, 'm', '1', 'model.cjs');
    expect(told(syntaxError(file, "Unexpected token 'export'"))).toBe(
      `Unexpected token 'export'. ${file} is read as CommonJS because its name ends in .cjs: if it is an ES module, name it model.mjs`,
    );
  });

  it('is the file that is at fault, not the one that imports it', () => {
    writeFileSync(join(folder, 'm', 'package.json'), '{"type": "commonjs"}');
    const file = join(folder, 'm', '1', 'part.js');
    expect(told(syntaxError(file, "Unexpected token 'export'"))).toContain('name it part.mjs');
  });
});

describe('CommonJS that is read as an ES module', () => {
  it.each(['module', 'exports', 'require', '__dirname'])('is told by the package: %s', (name) => {
    const manifest = join(folder, 'm', 'package.json');
    writeFileSync(manifest, '{"type": "module"}');
    const file = join(folder, 'm', '1', 'model.js');
    const message = `${name} is not defined in ES module scope\nThis file is being treated as`;
    expect(told(referenceError(file, message))).toBe(
      `${name} is not defined. ${file} is read as an ES module because ${manifest} says "type": "module": if it is CommonJS, name it model.cjs, or say "type": "commonjs" there`,
    );
  });

  it.each([
    ['model.mjs', 'because its name ends in .mjs: if it is CommonJS, name it model.cjs'],
    ['model.ts', 'as all TypeScript is: use import and export in it'],
    ['model.mts', 'as all TypeScript is: use import and export in it'],
  ])('is told by its name: %s', (name, said) => {
    const file = join(folder, 'm', '1', name);
    expect(told(referenceError(file, 'require is not defined in ES module scope'))).toContain(said);
  });
});

describe('other errors stay as they are', () => {
  it.each([
    ['of a package without a type', '{}', "Unexpected token 'export'"],
    ['of another syntax', '{"type": "commonjs"}', "Unexpected token '=>'"],
    ['of the nearest package only', '{}', "Unexpected token 'export'"],
  ])('%s', (_, manifest, message) => {
    writeFileSync(join(folder, 'package.json'), '{"type": "commonjs"}');
    writeFileSync(join(folder, 'm', 'package.json'), manifest);
    expect(told(syntaxError(join(folder, 'm', '1', 'model.js'), message))).toBe(message);
  });

  it('of other names, without a place, and of no error', () => {
    const file = join(folder, 'm', '1', 'model.mjs');
    expect(told(referenceError(file, 'x is not defined'))).toBe('x is not defined');
    expect(told(new SyntaxError("Unexpected token 'export'"))).toBe("Unexpected token 'export'");
    expect(withModuleHint('text')).toBe('text');
  });
});

it.each([
  ['/m/1/model.js:12\nlet', { file: '/m/1/model.js', line: 12 }],
  ['file:///m/1/a%20b.mjs:3\nlet', { file: '/m/1/a b.mjs', line: 3 }],
  ['SyntaxError: a\n    at file:///m/1/model.js:3:1', null],
  ['', null],
])('the place of a syntax error stands before its stack: %o', (stack, place) => {
  expect(syntaxErrorPlace(stack)).toEqual(place);
});
