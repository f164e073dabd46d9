// Writes the declarations of the published packages to packages/*/dist/types: `npm run build:types`.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const emitted = join(root, '.cache', 'types');

rmSync(emitted, { recursive: true, force: true });
const compiler = join(root, 'node_modules', '.bin', 'tsc');
const { status } = spawnSync(compiler, ['-p', 'tsconfig.build.json', '--outDir', emitted], {
  cwd: root,
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);
for (const name of ['protocol', 'transport', 'native', 'client', 'vision', 'model', 'server']) {
  const target = join(root, 'packages', name, 'dist', 'types');
  rmSync(target, { recursive: true, force: true });
  cpSync(join(emitted, name, 'src'), target, {
    recursive: true,
    filter: (path) => !path.includes('/testing'),
  });
  if (!existsSync(join(target, 'index.d.ts'))) throw new Error(`no declarations of ${name}`);
}
