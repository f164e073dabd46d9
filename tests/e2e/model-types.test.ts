import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkout } from './checkout.ts';

mkdirSync(join(checkout, '.cache'), { recursive: true });
/** In the checkout, where `@nereid/model` is found as beside a model that has installed it. */
const folder = mkdtempSync(join(checkout, '.cache', 'model-types-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What TypeScript says of these models, by their names. */
function checked(models: Readonly<Record<string, string>>): string {
  for (const [name, code] of Object.entries(models)) writeFileSync(join(folder, name), code);
  const settings =
    '--noEmit --strict --target es2023 --module nodenext --types node --skipLibCheck';
  const args = [...settings.split(' '), '--customConditions', 'nereid-source'];
  const compiler = join(checkout, 'node_modules', 'typescript', 'bin', 'tsc');
  const files = Object.keys(models);
  return spawnSync(
    process.execPath,
    [compiler, ...args, '--allowImportingTsExtensions', '--ignoreConfig', ...files],
    { cwd: folder, encoding: 'utf8' },
  ).stdout;
}

const readme = readFileSync(join(checkout, 'packages', 'model', 'README.md'), 'utf8');
const guide = readFileSync(join(checkout, 'docs', 'javascript-models.md'), 'utf8');
const example = (text: string): string => /```ts\n(.*?)```/su.exec(text)?.[1] ?? '';
const model = (execute: string): string =>
  `import type { Model } from '@nereid/model';\nexport default { ${execute} } satisfies Model;\n`;

describe('types of models', () => {
  const said = checked({
    'readme.ts': example(readme),
    'guide.ts': example(guide),
    'stream.ts': model(
      "async *execute([request]) { yield { outputs: [{ name: 'Y', data: request!.input('X', 'BYTES').data }] }; }",
    ),
    'wrong-array.ts': model(
      "execute: (requests) => requests.map((r) => { const x: Int32Array = r.input('X', 'FP32').data; return { outputs: [{ name: 'Y', data: x }] }; })",
    ),
    'no-outputs.ts': model('execute: (requests) => requests.map(() => ({ output: [] }))'),
    'wrong-type.ts': model("execute: ([r]) => { r!.input('X', 'FP23'); return []; }"),
  });

  it('take those of the documentation, and streams', () => {
    expect(example(readme)).toContain('implements Model');
    expect(example(guide)).toContain('implements Model');
    expect(said).not.toMatch(/^(readme|guide|stream)\.ts/mu);
  });

  it.each(['wrong-array', 'no-outputs', 'wrong-type'])('refuse what is wrong (%s)', (name) => {
    expect(said).toMatch(new RegExp(`^${name}\\.ts\\(\\d+,\\d+\\): error TS2`, 'mu'));
  });
});
