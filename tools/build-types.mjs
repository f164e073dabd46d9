// Writes the declarations of the published packages to packages/*/dist/types: `npm run build:types`, or
// `node tools/build-types.mjs PACKAGE…` for some of them.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache');
const emitted = join(cache, 'types');
const published = ['protocol', 'transport', 'native', 'client', 'vision', 'model', 'server'];
const names = process.argv.length > 2 ? process.argv.slice(2) : published;

rmSync(emitted, { recursive: true, force: true });
mkdirSync(cache, { recursive: true });
const settings = join(cache, 'tsconfig.types.json');
writeFileSync(
  settings,
  JSON.stringify({
    extends: '../tsconfig.build.json',
    compilerOptions: { outDir: emitted },
    include: names.map((name) => `../packages/${name}/src`),
  }),
);
const compiler = join(root, 'node_modules', '.bin', 'tsc');
const { status } = spawnSync(compiler, ['-p', settings], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
for (const name of names) {
  const target = join(root, 'packages', name, 'dist', 'types');
  rmSync(target, { recursive: true, force: true });
  cpSync(join(emitted, name, 'src'), target, {
    recursive: true,
    filter: (path) => !path.includes('/testing'),
  });
  if (!existsSync(join(target, 'index.d.ts'))) throw new Error(`no declarations of ${name}`);
}
